"""Everything of the local overlay that is Pappus, as containers; servers around it as scripts/services starts them."""

import json
import os
import re
import shlex
import subprocess
import unittest
import urllib.parse

import rendered
from broker import Broker, Door, Subscriber
from cluster import NAMESPACE, Cluster, Node
from engine import TOP, Wrong, engine, package
from pods import Pod, settings

# By which pods ask for the API of Kubernetes.
API = "kubernetes.default.svc"


class Deployment:
    def __init__(self, test):
        self.engine = engine()
        test.addCleanup(self.engine.undo.close)
        self.manifests = rendered.overlay("local")
        self.engine.images_of(*package.FUNCTIONS)
        name, self.gateway = self.engine.network("pappus")
        self.network = {"name": name, "gateway": self.gateway, "work": self.engine.work}
        services = {each["metadata"]["name"]: each for each in self.of("Service", "serving.knative.dev")}
        self.templates = {name: each["spec"]["template"] for name, each in services.items()}
        specs = {name: each["spec"] for name, each in self.templates.items()}
        self.subscribers = {name: Subscriber(spec["containerConcurrency"], spec["timeoutSeconds"]) for name, spec in specs.items()}
        self.pods = {}

        # What tells ingest of objects, as MinIO's manifest has it.
        door = self.door(("127.0.0.1", 0), lambda: self.subscribers["ingest"].address())
        (minio,) = (each for each in self.of("StatefulSet") + self.of("Deployment") if each["metadata"]["name"] == "minio")
        variables = {each["name"]: each.get("value") for each in minio["spec"]["template"]["spec"]["containers"][0]["env"]}
        told = urllib.parse.urlsplit(variables["MINIO_NOTIFY_WEBHOOK_ENDPOINT_PAPPUS"])
        test.assertEqual(told.hostname, f"ingest.{NAMESPACE}.svc.cluster.local")
        self.services(f"http://127.0.0.1:{door.port}{told.path}")

        self.cluster = Cluster(self.found["PAPPUS_TEST_KUBERNETES"], self.manifests, self.secrets())
        self.settings = settings(self.manifests, self.secrets())
        self.hosts = [API]
        for name, setting in (("minio", "PAPPUS_TEST_S3"), ("mariadb", "PAPPUS_TEST_MYSQL"), ("mlflow", "PAPPUS_TEST_MLFLOW")):
            (service,) = (each for each in self.of("Service", "v1") if each["metadata"]["name"] == name)
            port = int(re.search(r"127\.0\.0\.1:(\d+)", self.found[setting])[1])
            self.door((self.gateway, service["spec"]["ports"][0]["port"]), lambda port=port: ("127.0.0.1", port))
            self.hosts.append(name)
        self.door((self.gateway, 443), self.cluster.address)
        (functions,) = (name for kind, name in self.settings if kind == "configMapRef" and name.startswith("pappus-functions-"))
        sink = urllib.parse.urlsplit(self.settings["configMapRef", functions]["K_SINK"])
        self.hosts.append(sink.hostname)
        self.broker = Broker((self.gateway, sink.port or 80), sink.path, self.manifests, self.subscribers)
        self.engine.undo.callback(self.broker.close)
        self.node = Node(self.cluster, self.job)
        self.engine.undo.callback(self.node.close)

    def of(self, kind, group=None):
        return rendered.of_kind(self.manifests, kind, group)

    def door(self, address, to):
        door = Door(address, to)
        self.engine.undo.callback(door.close)
        return door

    def services(self, url):
        """Starts the servers, and reads where they are."""
        script, at = TOP / "scripts/services", ["--at", str(self.engine.work / "services")]
        wanted = ["minio", "mariadb", "mlflow", "kubernetes"]
        self.engine.undo.callback(subprocess.run, [script, "stop", *at], stdout=subprocess.DEVNULL)
        environment = {**os.environ, "CARGO_TARGET_DIR": str(package.target())}
        done = subprocess.run([script, "start", *at, "--notify", url, *wanted], stdout=subprocess.PIPE, text=True, env=environment)
        if done.returncode not in (0, 3):
            raise Wrong("the servers could not be started: see above")
        lines = [shlex.split(line)[1] for line in done.stdout.splitlines() if line.startswith("export ")]
        self.found = dict(line.partition("=")[::2] for line in lines)
        for name, setting in zip(wanted, ("PAPPUS_TEST_S3", "PAPPUS_TEST_MYSQL", "PAPPUS_TEST_MLFLOW", "PAPPUS_TEST_KUBERNETES")):
            if setting not in self.found:
                raise unittest.SkipTest(f"the loop needs {name}, which cannot be had here: see above")

    def secrets(self):
        """Those that scripts/cluster makes, of what the servers here have."""
        password = urllib.parse.urlsplit(self.found["PAPPUS_TEST_MYSQL"]).password
        keys = {name: self.found[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
        return {"pappus": {"PAPPUS_CATALOG": f"mysql://pappus:{password}@mariadb:3306/pappus", **keys}}

    def start(self, *functions):
        """Starts pods of functions, as Knative does."""
        for name in functions:
            template = self.templates[name]
            spec = template["spec"]
            port = spec["containers"][0]["ports"][0]["containerPort"]
            more = {"PORT": port, "K_SERVICE": name, "K_CONFIGURATION": name, "K_REVISION": f"{name}-00001"}
            self.pods[name] = self.pod(name, spec, more).start()
            self.subscribers[name].runs_in(self.pods[name])

    def job(self, pod):
        """Starts a pod of a Job, as a node does."""
        return self.pod(pod["metadata"]["name"], pod["spec"], {}).start()

    def pod(self, name, spec, more):
        account = spec["serviceAccountName"]
        token = None
        (said,) = (each for each in self.of("ServiceAccount") if each["metadata"]["name"] == account)
        if spec.get("automountServiceAccountToken", said.get("automountServiceAccountToken", True)):
            token = self.cluster.account(account)
        more = {**more, "KUBERNETES_SERVICE_HOST": API, "KUBERNETES_SERVICE_PORT": "443"}
        return Pod(name, spec, self.settings, self.network, self.hosts, token, more)

    def logs(self):
        """The end of what each said, for whoever looks after a failure."""
        pods = [*self.pods.values(), *(pod for pod, _, _ in self.node.ended)]
        return json.dumps(self.broker.taken[-5:]) + "".join(f"\n--- {pod.name}\n{pod.container.logs()}" for pod in pods)
