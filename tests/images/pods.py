"""What a rendered manifest says of a pod, as options of `docker run`. What is not understood is refused, not left out."""

import http.client
import os
import pathlib
import re
import tempfile
import threading

from engine import Container, Wrong

UNITS = {"": 1, "m": 0.001, "k": 1e3, "M": 1e6, "G": 1e9, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30}
ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
# Of a pod: what a node does itself, and what Knative does before it, which the loop does by hand.
ELSEWHERE = {
    *("serviceAccountName", "serviceAccount", "containerConcurrency", "timeoutSeconds", "restartPolicy", "dnsPolicy", "priority"),
    *("schedulerName", "terminationGracePeriodSeconds", "tolerations", "preemptionPolicy", "automountServiceAccountToken"),
}
# Of a container: likewise. A request is room, which is not a limit.
AROUND = {
    *("name", "image", "args", "ports", "readinessProbe", "livenessProbe", "imagePullPolicy"),
    *("terminationMessagePath", "terminationMessagePolicy"),
}


def quantity(text):
    number, unit = re.fullmatch(r"([\d.]+)([a-zA-Z]*)", str(text)).groups()
    return float(number) * UNITS[unit]


def read(said, known, where):
    """Takes what is known of a mapping; refuses the rest."""
    unknown = set(said) - set(known)
    if unknown:
        raise Wrong(f"{where} says {', '.join(sorted(unknown))}, which this test does not do: teach tests/images/pods.py")
    return said


class Pod:
    """One container of a pod, with what it may have, and what became of that."""

    def __init__(self, name, spec, settings, network, hosts, account=None, more=None):
        read(spec, ELSEWHERE | {"containers", "securityContext", "enableServiceLinks", "volumes"}, name)
        (self.said,) = spec["containers"]
        known = AROUND | {"env", "envFrom", "resources", "securityContext", "volumeMounts"}
        read(self.said, known, name)
        self.name, self.spec, self.settings = name, spec, settings
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"{name}.", dir=network["work"]))
        self.folder.chmod(0o711)
        self.account, self.limits, self.empty = account, {}, {}
        self.function = self.said["image"].rpartition("/")[2].partition(":")[0].removeprefix("pappus-")
        self.options = [*self.security(), *self.resources(), *self.mounts(), *self.environment(more or {})]
        self.options += ["--network", network["name"]]
        for host in hosts:
            self.options += ["--add-host", f"{host}:{network['gateway']}"]
        self.unwell, self.stopping = [], threading.Event()

    def start(self):
        self.container = Container(self.function, self.options, self.said.get("args", []))
        networks = self.container.engine.inspect(self.container.id, ".NetworkSettings.Networks")
        (self.address,) = (each["IPAddress"] for each in networks.values())
        if "livenessProbe" in self.said:
            threading.Thread(target=self.watch, daemon=True).start()
        return self

    def watch(self):
        """Asks whether it lives, as a kubelet would; where that would start it anew, it is noted."""
        probe, failures = self.said["livenessProbe"], 0
        while not self.stopping.wait(probe.get("periodSeconds", 10)):
            failures = 0 if self.answers("livenessProbe") else failures + 1
            if failures >= probe.get("failureThreshold", 3) and not self.stopping.is_set():
                self.unwell.append(f"{self.name} failed {failures} probes in a row")

    def stop(self):
        """Its exit code, once it was asked to end."""
        self.stopping.set()
        return self.container.stop()

    def security(self):
        """As whom, and with what rights."""
        pod, own = self.spec.get("securityContext", {}), self.said["securityContext"]
        common = {"runAsNonRoot", "runAsUser", "runAsGroup", "seccompProfile"}
        read(pod, common | {"fsGroup"}, self.name)
        read(own, common | {"allowPrivilegeEscalation", "readOnlyRootFilesystem", "capabilities"}, self.name)
        whole = {**pod, **own}
        self.user = whole["runAsUser"]
        if whole["seccompProfile"] != {"type": "RuntimeDefault"}:
            raise Wrong(f"{self.name} has the seccomp profile {whole['seccompProfile']}")
        if whole["runAsNonRoot"] and self.user == 0:
            raise Wrong(f"{self.name} would run as root, and is not to")
        # The engine's own profile of seccomp is what RuntimeDefault means.
        options = ["--user", f"{self.user}:{whole['runAsGroup']}"]
        options += ["--group-add", pod["fsGroup"]] if "fsGroup" in pod else []
        options += ["--read-only"] if whole["readOnlyRootFilesystem"] else []
        options += [] if whole["allowPrivilegeEscalation"] else ["--security-opt", "no-new-privileges"]
        for capability in read(whole["capabilities"], {"drop"}, self.name)["drop"]:
            options += ["--cap-drop", capability]
        return options

    def resources(self):
        limits = read(self.said["resources"], {"limits", "requests"}, self.name)["limits"]
        read(limits, {"cpu", "memory", "ephemeral-storage"}, self.name)
        self.limits = {name: quantity(value) for name, value in limits.items()}
        memory = int(self.limits["memory"])
        # A node has no swap; and no more processors than there are can be asked for.
        cpus = min(self.limits["cpu"], os.cpu_count())
        return ["--memory", memory, "--memory-swap", memory, "--cpus", cpus]

    def mounts(self):
        volumes, options = {}, []
        for volume in self.spec.get("volumes", []):
            (kind,) = set(volume) - {"name"}
            volumes[volume["name"]] = (kind, volume[kind])
        for mount in self.said.get("volumeMounts", []):
            read(mount, {"name", "mountPath", "readOnly"}, self.name)
            kind, said = volumes[mount["name"]]
            if mount["mountPath"] == ACCOUNT:
                continue
            folder, rights = {"emptyDir": self.empty_folder, "configMap": self.files}.get(kind, self.unknown(kind))(mount["name"], said)
            options += ["--volume", f"{folder}:{mount['mountPath']}{rights}"]
        if self.account and self.spec.get("automountServiceAccountToken", True):
            folder = self.folder / "account"
            folder.mkdir()
            for name, text in self.account.items():
                (folder / name).write_text(text)
                (folder / name).chmod(0o644)
            options += ["--volume", f"{folder}:{ACCOUNT}:ro"]
        return options

    def unknown(self, kind):
        def refuse(*_):
            raise Wrong(f"{self.name} mounts a {kind}, which this test does not: teach tests/images/pods.py")

        return refuse

    def empty_folder(self, name, said):
        """A folder of the node's disk that everybody in the pod may write to."""
        read(said or {}, {"sizeLimit"}, self.name)
        empty = self.folder / name
        empty.mkdir()
        empty.chmod(0o777)
        self.empty[empty] = quantity(said["sizeLimit"]) if said.get("sizeLimit") else None
        return empty, ""

    def files(self, name, said):
        """The files of a ConfigMap, which nobody may write to."""
        read(said, {"name"}, self.name)
        folder = self.folder / name
        folder.mkdir()
        for file, text in self.settings["configMapRef", said["name"]].items():
            (folder / file).write_text(text)
            (folder / file).chmod(0o644)
        return folder, ":ro"

    def environment(self, more):
        found = {}
        for source in self.said.get("envFrom", []):
            (kind,) = read(source, {"configMapRef", "secretRef"}, self.name)
            found |= self.settings[kind, source[kind]["name"]]
        for one in self.said.get("env", []):
            value = self.value(read(one, {"name", "value", "valueFrom"}, self.name))
            if value is not None:
                found[one["name"]] = value
        found |= more
        # In a file: what is an argument, everybody on the machine can read.
        file = self.folder / "env"
        file.touch(0o600)
        file.write_text("".join(f"{name}={value}\n" for name, value in found.items()))
        return ["--env-file", file]

    def value(self, one):
        """What a variable holds; nothing where it is not set, since a Secret may be absent."""
        if "valueFrom" not in one:
            return one["value"]
        said = read(read(one["valueFrom"], {"secretKeyRef"}, self.name)["secretKeyRef"], {"name", "key", "optional"}, self.name)
        secret = self.settings.get(("secretRef", said["name"]), {})
        if said["key"] not in secret and not said.get("optional"):
            raise Wrong(f"{self.name} wants {said['key']} of the Secret {said['name']}, which is not there")
        return secret.get(said["key"])

    def probe(self, kind):
        """The path that a probe asks for, and how long it may take."""
        said = read(self.said[kind], {"httpGet", "periodSeconds", "timeoutSeconds", "failureThreshold", "successThreshold"}, self.name)
        return read(said["httpGet"], {"path", "scheme", "port"}, self.name)["path"], said.get("timeoutSeconds", 1)

    def answers(self, kind):
        """Whether a probe finds it well."""
        path, timeout = self.probe(kind)
        try:
            return 200 <= self.container.ask("GET", path, timeout=timeout)[0] < 400
        except (OSError, http.client.HTTPException):
            return False

    def held_to(self):
        """What the kernel holds its process to, in words of the manifest."""
        status = self.container.status
        return {
            "users": {int(word) for word in status("Uid")},
            "rights": int(status("CapBnd")[0], 16) | int(status("CapEff")[0], 16),
            "no new ones": status("NoNewPrivs") == ["1"],
            "seccomp": status("Seccomp") == ["2"],
            "read-only root": self.root().startswith("ro"),
            "memory": self.container.engine.inspect(self.container.id, ".HostConfig.Memory"),
        }

    def out_of_memory(self):
        return self.container.engine.inspect(self.container.id, ".State.OOMKilled")

    def root(self):
        """How its root is mounted."""
        lines = pathlib.Path(f"/proc/{self.container.pid}/mounts").read_text().splitlines()
        return next(line.split()[3] for line in lines if line.split()[1] == "/")

    def written(self):
        """Bytes in its empty folders, for each with what may be in it."""
        size = lambda folder: sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir())  # noqa: E731
        return [(size(folder), limit) for folder, limit in self.empty.items()]


def settings(manifests, secrets):
    """What envFrom can name."""
    found = {("secretRef", name): values for name, values in secrets.items()}
    for each in manifests:
        if each["kind"] == "ConfigMap":
            found["configMapRef", each["metadata"]["name"]] = each["data"]
    return found
