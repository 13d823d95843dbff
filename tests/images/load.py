"""Load on predict while it is stopped."""

import socket
import threading
import time

from engine import PATIENCE, PORT, Wrong, network_of

KEPT, NEW = 6, 6  # clients that keep a connection, and that open one for every request
BEFORE = 150  # requests answered before the stop


class Load:
    """Clients that ask predict without a pause, until they are refused."""

    def __init__(self, body):
        head = f"POST /predict HTTP/1.1\r\nhost: predict\r\ncontent-type: image/jpeg\r\ncontent-length: {len(body)}\r\n"
        self.kept, self.new = f"{head}\r\n".encode() + body, f"{head}connection: close\r\n\r\n".encode() + body
        self.stopped = None  # when the server was asked to stop
        self.answered = threading.Semaphore(0)
        self.counts = dict.fromkeys(["before", "after", "not taken", "refused", "failed"], 0)
        self.failures, self.lock = [], threading.Lock()

    def run(self, pid, stop):
        with network_of(pid):
            clients = [threading.Thread(target=self.client, args=(kept,)) for kept in [True] * KEPT + [False] * NEW]
            for client in clients:
                client.start()
        for _ in range(BEFORE):
            if not self.answered.acquire(timeout=PATIENCE):
                raise Wrong("predict does not answer under load")
        self.stopped = time.monotonic()
        stop()
        for client in clients:
            client.join(PATIENCE)

    def client(self, keeps):
        stream, end = None, time.monotonic() + PATIENCE
        while time.monotonic() < end:
            sent, some = None, b""
            try:
                if stream is None:
                    stream = socket.create_connection(("127.0.0.1", PORT), timeout=PATIENCE)
                    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                stream.sendall(self.kept if keeps else self.new)
                sent = time.monotonic()
                head, some = some, stream.recv(65536)
                while some and not complete(some):
                    head = stream.recv(65536)
                    if not head:
                        break
                    some += head
                if not complete(some):
                    raise ConnectionResetError("closed without an answer")
                if not some.startswith(b"HTTP/1.1 200 "):
                    self.count("failed", some.split(b"\r\n")[0].decode(errors="replace"))
                    return
                self.count("before" if self.stopped is None else "after")
                self.answered.release()
                if not keeps or b"\r\nconnection: close\r\n" in some.lower():
                    stream.close()
                    stream = None
            except ConnectionRefusedError:
                self.count("refused" if self.stopped else "failed", "refused before the stop")
                return
            except OSError as error:
                # What was on its way before the stop is owed an answer. What came later may find the door closing, as
                # long as nothing of an answer was said.
                late = self.stopped is not None and (sent is None or sent > self.stopped) and not some
                since = "" if self.stopped is None or sent is None else f", sent {(self.stopped - sent) * 1000:.1f} ms before the stop"
                kind = "kept" if keeps else "new"
                self.count("not taken" if late else "failed", f"{error} on a {kind} connection{since}, {len(some)} bytes in")
                stream = None

    def count(self, what, why=None):
        with self.lock:
            self.counts[what] += 1
            if what == "failed":
                self.failures.append(why)


def complete(answer):
    head, found, body = answer.partition(b"\r\n\r\n")
    if not found:
        return False
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return bool(lengths) and len(body) >= int(lengths[0].split(b":")[1])
