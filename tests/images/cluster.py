"""The API of Kubernetes with what the manifests put there, and a node: it runs the pods of Jobs as containers."""

import base64
import datetime
import json
import subprocess
import threading

import yaml
from engine import Wrong

NAMESPACE = "pappus"
# What Kubernetes has without Knative, and without a node for it: whose rights count, what is counted, what is read.
CORE = ["Namespace", "ServiceAccount", "Role", "RoleBinding", "ResourceQuota", "LimitRange", "ConfigMap"]


class Cluster:
    def __init__(self, kubeconfig, manifests, secrets):
        self.kubeconfig = kubeconfig
        put = [each for kind in CORE for each in manifests if each["kind"] == kind]
        for name, values in secrets.items():
            put.append({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": NAMESPACE}, "stringData": values})
        for each in put:
            self.kubectl("apply", "--filename", "-", said=json.dumps(each))

    def kubectl(self, *arguments, said=None):
        command = ["kubectl", "--kubeconfig", self.kubeconfig, "--namespace", NAMESPACE, *arguments]
        done = subprocess.run(command, input=said, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Wrong(f"kubectl {arguments[0]}: {done.stderr.strip()}")
        return done.stdout

    def all(self, kind):
        return json.loads(self.kubectl("get", kind, "--output", "json"))["items"]

    def account(self, name):
        """What a pod of a service account finds in its folder."""
        with open(self.kubeconfig) as file:
            (cluster,) = yaml.safe_load(file)["clusters"]
        authority = base64.b64decode(cluster["cluster"]["certificate-authority-data"]).decode()
        return {"token": self.kubectl("create", "token", name).strip(), "ca.crt": authority, "namespace": NAMESPACE}

    def address(self):
        """Where the API listens."""
        with open(self.kubeconfig) as file:
            (cluster,) = yaml.safe_load(file)["clusters"]
        host, _, port = cluster["cluster"]["server"].removeprefix("https://").partition(":")
        return host, int(port)


class Node:
    """Does what a node does with pods that wait for one."""

    def __init__(self, cluster, begin):
        self.cluster, self.begin = cluster, begin
        self.seen, self.ended, self.faults = set(), [], []
        self.closed = threading.Event()
        self.thread = threading.Thread(target=self.look, daemon=True)
        self.thread.start()

    def look(self):
        while not self.closed.wait(0.5):
            try:
                for pod in self.cluster.all("pods"):
                    name = pod["metadata"]["name"]
                    if pod["status"].get("phase") == "Pending" and name not in self.seen:
                        self.seen.add(name)
                        self.run(pod)
            except Exception as fault:  # noqa: BLE001 (the test reads it)
                self.faults.append(fault)

    def run(self, pod):
        running = self.begin(pod)
        begun = now()
        self.say(pod, "Running", {"running": {"startedAt": begun}})
        held = running.held_to()
        code = running.container.exit_code(patience=3600)
        reason = "Completed" if code == 0 else "OOMKilled" if running.out_of_memory() else "Error"
        state = {"exitCode": code, "reason": reason, "startedAt": begun, "finishedAt": now()}
        self.ended.append((running, held, state))
        self.say(pod, "Failed" if code else "Succeeded", {"terminated": state})

    def say(self, pod, phase, state):
        container = pod["spec"]["containers"][0]
        status = {"name": container["name"], "image": container["image"], "imageID": "", "ready": False, "restartCount": 0}
        patch = {"status": {"phase": phase, "containerStatuses": [status | {"state": state}]}}
        name = pod["metadata"]["name"]
        self.cluster.kubectl("patch", "pod", name, "--subresource", "status", "--type", "merge", "--patch", json.dumps(patch))

    def close(self):
        self.closed.set()


def now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
