"""What stands between containers and everything else: doors to servers of this machine, and the broker."""

import contextlib
import http.client
import http.server
import socket
import threading
import time

from engine import until


class Door:
    """Passes connections on, whatever they say, to where `to` finds somebody at that moment."""

    def __init__(self, address, to):
        self.to, self.listener = to, socket.create_server(address)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.take, daemon=True).start()

    def take(self):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self.join, args=(self.listener.accept()[0],), daemon=True).start()

    def join(self, near):
        with contextlib.suppress(OSError), near, socket.create_connection(self.to()) as far:
            back = threading.Thread(target=pump, args=(far, near), daemon=True)
            back.start()
            pump(near, far)
            back.join()

    def close(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def pump(source, sink):
    with contextlib.suppress(OSError):
        while piece := source.recv(65536):
            sink.sendall(piece)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


class Broker:
    """Takes events where K_SINK says, and brings each to those whose rendered Trigger asks for it, as Knative would."""

    def __init__(self, address, path, manifests, functions):
        (broker,) = [each for each in manifests if each["kind"] == "Broker"]
        delivery = broker["spec"]["delivery"]
        if (delivery["backoffPolicy"], delivery["backoffDelay"]) != ("exponential", "PT1S"):
            raise AssertionError(f"this broker does not deliver as that of the manifests: {delivery}")
        self.retries = delivery["retry"]
        self.triggers = []
        for each in manifests:
            if each["kind"] == "Trigger":
                spec = each["spec"]
                if spec["broker"] != broker["metadata"]["name"] or spec["subscriber"].keys() != {"ref"}:
                    raise AssertionError(f"this broker does not do what the trigger {each['metadata']['name']} asks for")
                self.triggers.append((spec["filter"]["attributes"], spec["subscriber"]["ref"]["name"]))
        self.functions, self.path, self.lock = functions, path, threading.Lock()
        self.taken, self.identities, self.delivered, self.failed, self.under_way, self.closed = [], [], [], [], 0, False
        self.server = http.server.ThreadingHTTPServer(address, self.handler())
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def handler(broker):  # noqa: N805
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"] or 0))
                known = self.path == broker.path and self.headers.get("ce-specversion") == "1.0"
                if known:
                    broker.take(self.headers, body)
                self.send_response(202 if known else 400)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        return Handler

    def take(self, headers, body):
        event = {name.lower(): value for name, value in headers.items() if name.lower().startswith("ce-")}
        event |= {"content-type": headers.get("content-type", "application/json")}
        with self.lock:
            self.taken.append(event["ce-type"])
            self.identities.append((event["ce-type"], event["ce-id"]))
        for attributes, name in self.triggers:
            if all(event.get(f"ce-{key}") == value for key, value in attributes.items()):
                with self.lock:
                    self.under_way += 1
                threading.Thread(target=self.deliver, args=(name, event, body), daemon=True).start()

    def deliver(self, name, event, body):
        status = None
        for tried in range(self.retries + 1):
            if tried:
                time.sleep(2 ** (tried - 1))
            if self.closed:
                return
            try:
                status, headers, answered = self.functions[name].deliver(event, body)
            except (OSError, http.client.HTTPException) as error:
                status = str(error)
                continue
            if 200 <= status < 300:
                with self.lock:
                    self.delivered.append((event["ce-type"], name))
                if headers.get("ce-type"):
                    self.take(headers, answered)
                break
        else:
            with self.lock:
                self.failed.append((event["ce-type"], name, status))
        with self.lock:
            self.under_way -= 1

    def close(self):
        self.closed = True
        self.server.shutdown()
        self.server.server_close()


class Subscriber:
    """A function as Knative lets others reach it: no sooner than it is ready, and not too many at a time."""

    def __init__(self, concurrency, timeout):
        self.room, self.timeout = threading.Semaphore(concurrency), timeout
        self.pod, self.ready = None, threading.Event()

    def runs_in(self, pod):
        """Requests that wait go on once the pod is ready, which is asked in the background."""
        self.pod = pod
        threading.Thread(target=self.watch, daemon=True).start()

    def watch(self):
        if until(lambda: self.pod.answers("readinessProbe"), patience=1800, pause=0.2):
            self.ready.set()

    def address(self):
        """Where its container listens, once it is ready."""
        if not self.ready.wait(self.timeout):
            raise OSError("no pod is ready")
        return self.pod.address, int(self.pod.said["ports"][0]["containerPort"])

    def deliver(self, event, body):
        with self.room, contextlib.closing(http.client.HTTPConnection(*self.address(), timeout=self.timeout)) as connection:
            connection.request("POST", "/", body, event)
            answer = connection.getresponse()
            return answer.status, {key.lower(): value for key, value in answer.getheaders()}, answer.read()
