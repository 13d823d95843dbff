"""Keeps the events that a broker could not deliver, until somebody sends them again.

  keep.py           takes events at POST /, and writes each into DEAD_LETTERS before it answers
  keep.py list      what is kept
  keep.py send      sends all of it to K_SINK, and lets go of what is taken there

GET /metrics counts what is kept, by type. Whoever has handled an event already does it once: all triggers may have it again.
"""

import base64
import collections
import hashlib
import http.client
import http.server
import json
import os
import pathlib
import signal
import sys
import tempfile
import threading
import urllib.parse
from datetime import datetime, timezone

FOLDER = pathlib.Path(os.environ.get("DEAD_LETTERS", "/data"))
LIMIT = 64 << 20
# Of one connection, not of the event.
HOP = {"host", "connection", "content-length", "transfer-encoding", "accept-encoding", "user-agent", "prefer", "traceparent"}
# What the broker says of the failure, as attributes of the event.
FAILURE = "knativeerror"
STRUCTURED = "application/cloudevents+json"


def attributes(headers, body):
    """What an event says of itself."""
    if headers.get("content-type", "").partition(";")[0] == STRUCTURED:
        try:
            said = json.loads(body)
        except ValueError:
            said = None
        return {key.lower(): str(value) for key, value in said.items() if key != "data"} if isinstance(said, dict) else {}
    return {name[3:]: value for name, value in headers.items() if name.startswith("ce-")}


def keep(headers, body):
    """Writes an event down, for good; what it says of itself. The same for the same subscriber is one."""
    said = attributes(headers, body)
    who = [said.get(key, "") for key in ("source", "id", "type", f"{FAILURE}dest")]
    name = hashlib.sha256(json.dumps(who).encode() if said else body).hexdigest()[:32]
    letter = {"at": datetime.now(timezone.utc).isoformat(), "attributes": said, "headers": headers}
    letter["body"] = base64.b64encode(body).decode()
    with tempfile.NamedTemporaryFile("w", dir=FOLDER, prefix=".", delete=False) as file:
        try:
            json.dump(letter, file)
            file.flush()
            os.fsync(file.fileno())
            os.replace(file.name, FOLDER / f"{name}.json")
        except BaseException:
            os.unlink(file.name)
            raise
    folder = os.open(FOLDER, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return said


def kept():
    """Each file with what it holds, the oldest first."""
    letters = [(file, json.loads(file.read_text())) for file in FOLDER.glob("*.json")]
    return sorted(letters, key=lambda pair: pair[1]["at"])


def send(url):
    """Sends all again; how many were not taken."""
    where = urllib.parse.urlsplit(url)
    failed = 0
    for file, letter in kept():
        headers = {name: value for name, value in letter["headers"].items() if not name.startswith(f"ce-{FAILURE}")}
        try:
            connection = http.client.HTTPConnection(where.hostname, where.port or 80, timeout=60)
            connection.request("POST", where.path or "/", base64.b64decode(letter["body"]), headers)
            status = connection.getresponse().status
            connection.close()
        except OSError as error:
            status = error
        taken = isinstance(status, int) and status // 100 == 2
        print("sent" if taken else f"not taken ({status})", describe(letter["attributes"]))
        if taken:
            file.unlink(missing_ok=True)
        failed += not taken
    return failed


def describe(said):
    """An event in a line: never what it holds, which may be an image."""
    keys = ("type", "id", "source", f"{FAILURE}dest", f"{FAILURE}code")
    return " ".join(f"{key}={json.dumps(said[key])}" for key in keys if key in said) or "of no kind that is known"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60

    def do_POST(self):
        length = self.headers.get("content-length", "")
        if not length.isdigit() or int(length) > LIMIT:
            self.close_connection = True
            self.answer(413 if length.isdigit() else 411)
            return
        headers = {name.lower(): value for name, value in self.headers.items() if name.lower() not in HOP}
        try:
            said = keep(headers, self.rfile.read(int(length)))
        except OSError as error:
            print(f"error: an event is not kept: {error}", file=sys.stderr, flush=True)
            self.answer(507)
            return
        print(f"kept {describe(said)}", flush=True)
        self.answer(202)

    def do_GET(self):
        if self.path == "/health":
            self.answer(200)
        elif self.path == "/metrics":
            count = collections.Counter(letter["attributes"].get("type", "") for _, letter in kept())
            lines = ["# HELP dead_letters Events that could not be delivered and are kept.", "# TYPE dead_letters gauge"]
            lines += [f"dead_letters{{type={json.dumps(kind)}}} {number}" for kind, number in sorted(count.items())]
            self.answer(200, "\n".join([*lines, ""]).encode())
        else:
            self.answer(404)

    def answer(self, status, body=b""):
        self.send_response(status)
        self.send_header("content-type", "text/plain; version=0.0.4")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def serve():
    server = http.server.ThreadingHTTPServer(("", int(os.environ.get("PORT", "8080"))), Handler)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    # The end waits for the answers that are under way.
    server.daemon_threads = False
    print(f"listening address=0.0.0.0:{server.server_port} kept={len(kept())}", flush=True)
    server.serve_forever()
    server.server_close()


if __name__ == "__main__":
    if sys.argv[1:] == ["list"]:
        for _, letter in kept():
            print(letter["at"], describe(letter["attributes"]))
    elif sys.argv[1:] == ["send"]:
        sys.exit(1 if send(os.environ["K_SINK"]) else 0)
    elif sys.argv[1:]:
        sys.exit(f"error: there is no command {sys.argv[1]}: say list or send, or nothing to serve")
    else:
        serve()
