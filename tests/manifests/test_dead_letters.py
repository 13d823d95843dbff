"""What keeps dead letters, as the program that the manifest mounts."""

import json
import pathlib
import socket
import subprocess
import sys
import tempfile
import unittest

import rendered
from programs import Server, Sink, environment
from rendered import TOP, of_kind

PROGRAM = TOP / "infra/dead-letters/keep.py"
BINARY = {
    "ce-specversion": "1.0",
    "ce-id": "7",
    "ce-source": "/pappus/ingest",
    "ce-type": "io.pappus.image.ingested",
    "ce-knativeerrordest": "http://train-trigger.pappus.svc.cluster.local",
    "ce-knativeerrorcode": "503",
    "content-type": "application/json",
}
STRUCTURED = {"specversion": "1.0", "id": "8", "source": "/pappus/train", "type": "io.pappus.model.trained", "data": {"a": 1}}


class DeadLetters(unittest.TestCase):
    def setUp(self):
        made = tempfile.TemporaryDirectory(prefix="pappus-manifests-")
        self.addCleanup(made.cleanup)
        self.folder = pathlib.Path(made.name)

    def serve(self):
        server = Server([sys.executable, PROGRAM], environment(DEAD_LETTERS=self.folder, PORT=0))
        self.addCleanup(server.close)
        return server

    def say(self, *words, sink="http://127.0.0.1:1/"):
        variables = environment(DEAD_LETTERS=self.folder, K_SINK=sink)
        return subprocess.run([sys.executable, PROGRAM, *words], env=variables, capture_output=True, text=True, check=False)

    def post(self, server, headers, body):
        status, _, _ = server.ask("POST", "/", headers.items(), body)
        return status

    def test_what_is_taken_is_still_there_after_a_restart_and_counted(self):
        first = self.serve()
        self.assertEqual(self.post(first, BINARY, b'{"batch": "secret-picture"}'), 202)
        self.assertEqual(self.post(first, {"content-type": "application/cloudevents+json"}, json.dumps(STRUCTURED)), 202)
        # Who sends it twice is told twice that it is taken.
        self.assertEqual(self.post(first, BINARY, b'{"batch": "secret-picture"}'), 202)
        self.assertIn("http://train-trigger", first.log())
        self.assertNotIn("secret-picture", first.log())
        second = self.serve()
        status, _, body = second.ask("GET", "/metrics")
        self.assertEqual(status, 200)
        lines = [line for line in body.decode().splitlines() if not line.startswith("#")]
        self.assertEqual(
            lines, ['dead_letters{type="io.pappus.image.ingested"} 1', 'dead_letters{type="io.pappus.model.trained"} 1']
        )
        self.assertEqual(len(self.say("list").stdout.splitlines()), 2)

    def test_the_same_event_for_two_subscribers_is_two(self):
        server = self.serve()
        for who in ("evaluate", "notify"):
            self.assertEqual(self.post(server, {**BINARY, "ce-knativeerrordest": f"http://{who}"}, b"{}"), 202)
        self.assertEqual(len(self.say("list").stdout.splitlines()), 2)

    def test_what_is_sent_again_is_the_event_as_it_was(self):
        server, sink = self.serve(), Sink()
        self.addCleanup(sink.close)
        self.post(server, BINARY, b'{"batch": "b1"}')
        self.post(server, {"content-type": "application/cloudevents+json"}, json.dumps(STRUCTURED))
        done = self.say("send", sink=sink.url)
        self.assertEqual(done.returncode, 0, done.stdout)
        (binary, body), (_, structured) = sink.sent
        said = {name.lower(): value for name, value in binary.items()}
        wanted = {name: value for name, value in BINARY.items() if "knativeerror" not in name}
        self.assertEqual({name: said.get(name) for name in BINARY}, {**dict.fromkeys(BINARY), **wanted})
        self.assertEqual((body, json.loads(structured)), (b'{"batch": "b1"}', STRUCTURED))
        self.assertEqual(self.say("list").stdout, "")
        self.assertNotIn("dead_letters{", server.ask("GET", "/metrics")[2].decode())

    def test_what_is_not_taken_stays(self):
        server, refusing = self.serve(), Sink(503)
        self.addCleanup(refusing.close)
        self.post(server, BINARY, b"{}")
        for url in (refusing.url, "http://127.0.0.1:1/"):
            done = self.say("send", sink=url)
            self.assertEqual(done.returncode, 1, done.stdout)
            self.assertIn("not taken", done.stdout)
        self.assertEqual(len(self.say("list").stdout.splitlines()), 1)

    def test_what_comes_back_while_it_is_sent_is_kept(self):
        server = self.serve()
        for status in (202, 503):
            again = Sink(status, lambda: self.post(server, BINARY, b'{"again": 1}'))
            self.addCleanup(again.close)
            self.post(server, BINARY, b"{}")
            self.say("send", sink=again.url)
            (letter,) = self.folder.glob("*")
            self.assertEqual((letter.suffix, letter.read_bytes().partition(b"\n")[2]), (".letter", b'{"again": 1}'))

    def test_what_was_cut_off_is_whole_or_nothing(self):
        server = self.serve()
        self.post(server, BINARY, b"{}")
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            head = "".join(f"{name}: {value}\r\n" for name, value in BINARY.items())
            connection.sendall(f"POST / HTTP/1.1\r\nhost: x\r\n{head}content-length: 100\r\n\r\nhalf".encode())
            connection.shutdown(socket.SHUT_WR)
            self.assertEqual(connection.recv(100), b"", "nothing is said to be taken")
        (letter,) = self.folder.glob("*.letter")
        self.assertTrue(letter.read_bytes().endswith(b"\n{}"))

    def test_a_letter_left_half_sent_is_sent_and_a_damaged_one_stays(self):
        server, sink = self.serve(), Sink()
        self.addCleanup(sink.close)
        self.post(server, BINARY, b"{}")
        (letter,) = self.folder.glob("*.letter")
        letter.rename(letter.with_suffix(".sending"))
        (self.folder / "damaged.letter").write_text("half")
        done = self.say("send", sink=sink.url)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("damaged.letter is damaged, and left alone", done.stderr)
        self.assertEqual([body for _, body in sink.sent], [b"{}"])
        self.assertEqual([file.name for file in self.folder.glob("*")], ["damaged.letter"])

    def test_more_than_fits_in_memory_is_kept_and_counted(self):
        server = self.serve()
        body = b"x" * (1 << 20)
        for number in range(64):
            self.assertEqual(self.post(server, {**BINARY, "ce-id": str(number)}, body), 202)
        self.assertIn('dead_letters{type="io.pappus.image.ingested"} 64', server.ask("GET", "/metrics")[2].decode())
        self.assertLess(server.memory(), 60 << 20, "64 MB are kept")
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(f"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: {(16 << 20) + 1}\r\n\r\n".encode())
            self.assertIn(b" 413 ", connection.recv(100))

    def test_what_cannot_be_written_is_not_said_to_be_taken(self):
        server = self.serve()
        (self.folder / "kept.letter").write_text(json.dumps({"at": "", "attributes": {}, "headers": {}}) + "\n")
        moved = self.folder.with_name(self.folder.name + "-away")
        self.folder.rename(moved)
        try:
            self.assertEqual(self.post(server, BINARY, b"{}"), 507)
        finally:
            moved.rename(self.folder)
        self.assertIn("is not kept", server.log())
        self.assertEqual(self.post(server, BINARY, b"{}"), 202)

    def test_what_is_no_event_is_kept_too(self):
        server = self.serve()
        for body in (b"not json", b"[1]"):
            self.assertEqual(self.post(server, {"content-type": "application/cloudevents+json"}, body), 202)
        bodies = {file.read_bytes().partition(b"\n")[2] for file in self.folder.glob("*.letter")}
        self.assertEqual(bodies, {b"not json", b"[1]"})

    def test_each_overlay_gives_its_broker_this_sink(self):
        for name in rendered.OVERLAYS:
            manifests = rendered.overlay(name)
            (broker,) = of_kind(manifests, "Broker")
            sink = broker["spec"]["delivery"]["deadLetterSink"]["ref"]
            self.assertEqual(sink, {"apiVersion": "v1", "kind": "Service", "name": "dead-letters"}, name)
            (held,) = [each for each in of_kind(manifests, "ConfigMap") if "keep.py" in each["data"]]
            self.assertEqual(held["data"]["keep.py"], PROGRAM.read_text())
            (settings,) = [
                each["data"] for each in of_kind(manifests, "ConfigMap") if each["metadata"]["name"] == "pappus"
            ]
            (container,) = rendered.templates(manifests)["Deployment dead-letters"]["spec"]["containers"]
            self.assertIn({"name": "K_SINK", "value": settings["K_SINK"]}, container["env"])
