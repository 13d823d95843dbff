"""Keeps the events that a broker could not deliver, until somebody sends them again.

  keep.py           takes events at POST /, and writes each into DEAD_LETTERS before it answers
  keep.py list      what is kept
  keep.py send      sends all of it to K_SINK, and lets go of what is taken there

GET /metrics counts what is kept, by type. Whoever has handled an event already does it once: all triggers may have it again.
"""

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
# A body is held in memory while it is written; several may come at once.
LIMIT = 16 << 20
# What is being sent has another name: the same event may come back before that is over.
KEPT, SENDING = ".letter", ".sending"
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
    """Writes an event down, for good; what it says of itself. The same for the same subscriber is one. The first line of the
    file is what there is to know of it, the rest its body."""
    said = attributes(headers, body)
    who = [said.get(key, "") for key in ("source", "id", "type", f"{FAILURE}dest")]
    name = hashlib.sha256(json.dumps(who).encode() if said else body).hexdigest()[:32]
    about = {"at": datetime.now(timezone.utc).isoformat(), "attributes": said, "headers": headers}
    with tempfile.NamedTemporaryFile("wb", dir=FOLDER, prefix=".", delete=False) as file:
        try:
            file.write(json.dumps(about).encode() + b"\n")
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
            os.replace(file.name, FOLDER / f"{name}{KEPT}")
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
    """Each file with what there is to know of it, the oldest first. Bodies are not read: there may be more than fit in memory."""
    letters = []
    for file in [path for ending in (KEPT, SENDING) for path in FOLDER.glob(f"*{ending}")]:
        try:
            with file.open("rb") as opened:
                letters.append((file, json.loads(opened.readline())))
        except FileNotFoundError:
            # Sent meanwhile.
            continue
        except ValueError as error:
            print(f"error: {file} is damaged, and left alone: {error}", file=sys.stderr, flush=True)
    return sorted(letters, key=lambda pair: pair[1]["at"])


def send(url):
    """Sends all again; how many were not taken."""
    failed = 0
    for file, about in kept():
        sending = file.with_suffix(SENDING)
        try:
            file.rename(sending)
        except FileNotFoundError:
            # Somebody else sends too.
            continue
        status = post(url, about["headers"], sending)
        taken = isinstance(status, int) and status // 100 == 2
        print("sent" if taken else f"not taken ({status})", describe(about["attributes"]))
        if taken:
            sending.unlink()
        else:
            put_back(sending)
        failed += not taken
    return failed


def post(url, headers, file):
    """Sends what a file holds; the status, or why there is none."""
    where = urllib.parse.urlsplit(url)
    with file.open("rb") as opened:
        opened.readline()
        body = opened.read()
    headers = {name: value for name, value in headers.items() if not name.startswith(f"ce-{FAILURE}")}
    connection = http.client.HTTPConnection(where.hostname, where.port or 80, timeout=60)
    try:
        connection.request("POST", where.path or "/", body, headers)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return error
    finally:
        connection.close()


def put_back(sending):
    """Gives a letter its name again, unless the same has come back meanwhile."""
    try:
        os.link(sending, sending.with_suffix(KEPT))
    except FileExistsError:
        pass
    sending.unlink()


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
        body = self.rfile.read(int(length))
        if len(body) != int(length):
            # The sender has gone in the middle, and sends it again.
            self.close_connection = True
            return
        try:
            said = keep(headers, body)
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
            count = collections.Counter(about["attributes"].get("type", "") for _, about in kept())
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
        for _, about in kept():
            print(about["at"], describe(about["attributes"]))
    elif sys.argv[1:] == ["send"]:
        sys.exit(1 if send(os.environ["K_SINK"]) else 0)
    elif sys.argv[1:]:
        sys.exit(f"error: there is no command {sys.argv[1]}: say list or send, or nothing to serve")
    else:
        serve()
