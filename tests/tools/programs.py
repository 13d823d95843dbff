"""Programs in processes of their own, and what is said to them over HTTP."""

import contextlib
import http.client
import http.server
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

TOP = pathlib.Path(__file__).resolve().parents[2]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR") or TOP / "target").resolve()
BUILT = TARGET / "debug"
EVENTS = TOP / "tests/events"
# How long anything may take. Generous: it only ever ends a test that has failed.
DEADLINE = 60


def tool(name):
    """A program of the Python environment that runs this."""
    return pathlib.Path(sys.executable).parent / name


def environment(**variables):
    """This environment without what the functions would read, and with `variables`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PAPPUS_", "AWS_", "K_"))}
    kept.pop("PORT", None)
    return kept | {"NO_COLOR": "1"} | {name: str(value) for name, value in variables.items()}


def eventually(what, look):
    """What `look` returns, once that is something."""
    end = time.monotonic() + DEADLINE
    while not (seen := look()):
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {DEADLINE} seconds")
        time.sleep(0.01)
    return seen


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Program:
    """A program that runs until it is closed."""

    def __init__(self, command, variables):
        self._log = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            [str(part) for part in command], env=variables, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log
        )

    def memory(self):
        """The most bytes that it had resident."""
        status = pathlib.Path(f"/proc/{self._process.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) << 10

    def log(self):
        return os.pread(self._log.fileno(), 1 << 24, 0).decode(errors="replace")

    def until(self, what, look):
        def alive():
            if self._process.poll() is not None:
                raise AssertionError(f"it ended with {self._process.returncode}: {self.log()}")
            return look()

        return eventually(what, alive)

    def listens_on(self, port):
        def connected():
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                return True

        self.until(f"somebody listens on {port}", connected)

    def close(self):
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()


class Server(Program):
    """A program that says where it listens."""

    def __init__(self, command, variables):
        super().__init__(command, variables)
        told = self.until("it listens", lambda: re.search(r"address=[0-9.]+:(\d+)", self.log()))
        self.port = int(told[1])

    def ask(self, *request):
        return ask(self.port, *request)


class Sink:
    """Takes whatever is sent to it, and keeps it: headers and body; or answers otherwise, after something else was done."""

    def __init__(self, status=202, before=lambda: None):
        self.sent = sent = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                sent.append((dict(self.headers), self.rfile.read(int(self.headers["content-length"] or 0))))
                before()
                self.send_response(status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()


def function(home, name, **variables):
    """A function as an HTTP server on a free port."""
    return Server([BUILT / f"pappus-{name}"], environment(PAPPUS_HOME=home, PORT=0, **variables))


def up(home):
    """All functions in one process."""
    return Server([BUILT / "pappus", "up", "--port", "0"], environment(PAPPUS_HOME=home))


def ask(port, method, path, headers=(), body=None):
    """Status, headers and body of an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE)
    with contextlib.closing(connection):
        connection.request(method, path, body, dict(headers))
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()


def event(name):
    """An event file, as JSON."""
    return json.loads((EVENTS / f"{name}.json").read_bytes())
