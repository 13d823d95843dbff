"""Airflow's component of k8s-knative, run: what its containers say, with the manifest's settings, over a real PostgreSQL, and
with functions that know it by its key. Paths and ports are this machine's, and the user is; the image's are not tried."""

import base64
import contextlib
import glob
import hashlib
import json
import os
import pathlib
import pwd
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

import homes
from programs import BUILT, TOP, Program, ask, environment, free_port, function, tool

sys.path.append(str(TOP / "tests/manifests"))
import rendered

KEY = "pappus_of-airflow"
SECRETS = {
    "database-password": "of-the-database",
    "fernet-key": base64.urlsafe_b64encode(os.urandom(32)).decode(),
    "jwt-secret": os.urandom(32).hex(),
    "passwords.json": '{"admin": "of-the-page"}',
    "pappus-key": KEY,
}
# Airflow takes a while to begin, above all on a machine that is busy.
PATIENCE = 300


def within(what, look):
    """What `look` returns, once that is something."""
    end = time.monotonic() + PATIENCE
    while not (seen := look()):
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {PATIENCE} seconds")
        time.sleep(0.2)
    return seen


class Postgres:
    """A server of its own, with an empty database; it runs as nobody's root."""

    def __init__(self):
        programs = sorted(glob.glob("/usr/lib/postgresql/*/bin")) or [os.path.dirname(shutil.which("postgres") or "")]
        self.programs = pathlib.Path(programs[-1])
        if not (self.programs / "postgres").exists():
            raise unittest.SkipTest("PostgreSQL is not here (Debian: postgresql)")
        self.user = {}
        if os.geteuid() == 0:
            try:
                self.user = {"user": pwd.getpwnam("postgres").pw_uid, "group": pwd.getpwnam("postgres").pw_gid}
            except KeyError:
                raise unittest.SkipTest("PostgreSQL does not run as root, and there is no user postgres") from None
        # Not under a folder of root's own.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="pappus-postgres-"))
        if self.user:
            os.chown(self.folder, self.user["user"], self.user["group"])
        word = self.folder / "password"
        word.write_text(SECRETS["database-password"])
        word.chmod(0o644)
        self.port = free_port()
        data = self.folder / "data"
        self.run("initdb", "--pgdata", data, "--username=airflow", f"--pwfile={word}", "--auth=scram-sha-256")
        where = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1"
        (container,) = rendered.templates(component())["StatefulSet airflow-postgres"]["spec"]["containers"]
        options = f"{where} {' '.join(container['args'])}"
        self.run("pg_ctl", "--pgdata", data, "-w", "-l", self.folder / "log", "-o", options, "start")
        self.run("createdb", "--host=127.0.0.1", f"--port={self.port}", "--username=airflow", "airflow")

    def run(self, program, *words):
        variables = environment(PGPASSWORD=SECRETS["database-password"])
        command = [str(word) for word in (self.programs / program, *words)]
        # What the server would keep open nobody waits for.
        with tempfile.TemporaryFile() as log:
            done = subprocess.run(command, env=variables, cwd="/", stdout=log, stderr=log, check=False, **self.user)
            log.seek(0)
            if done.returncode:
                raise AssertionError(f"{program}: {log.read().decode()}")

    def close(self):
        self.run("pg_ctl", "--pgdata", self.folder / "data", "-m", "fast", "-w", "stop")
        shutil.rmtree(self.folder)


def component():
    return rendered.with_component("airflow")


class Component(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not shutil.which("kubectl"):
            raise unittest.SkipTest("the manifests are built by kubectl, which is not here")
        if not (BUILT / "pappus-train-trigger").exists():
            raise unittest.SkipTest("pappus-train-trigger is not built: cargo build --workspace --bins")
        manifests = component()
        cls.template = rendered.templates(manifests)["Deployment airflow"]
        held = [each["data"] for each in rendered.of_kind(manifests, "ConfigMap")]
        (cls.settings,) = [data for data in held if "AIRFLOW_HOME" in data]
        (dags,) = [data for data in held if "pappus_retraining.py" in data]
        cls.home = homes.empty()
        for folder in ("logs", "dags"):
            (cls.home / folder).mkdir()
        for name, text in dags.items():
            (cls.home / "dags" / name).write_text(text)
        (cls.home / "passwords").mkdir()
        (cls.home / "passwords/passwords.json").write_text(SECRETS["passwords.json"])
        postgres = Postgres()
        cls.addClassCleanup(postgres.close)
        digest = hashlib.sha256(KEY.encode()).hexdigest()
        cls.function = function(homes.empty(), "train-trigger", PAPPUS_API_KEYS=f"operate airflow sha256:{digest}\n")
        cls.addClassCleanup(cls.function.close)
        cls.ports = {"8080": free_port(), "8974": free_port()}
        cls.here = {
            "/opt/airflow": str(cls.home),
            "/secrets": str(cls.home / "passwords"),
            "airflow-postgres:5432": f"127.0.0.1:{postgres.port}",
            "localhost:8080": f"localhost:{cls.ports['8080']}",
            "train-trigger.pappus.svc.cluster.local": f"127.0.0.1:{cls.function.port}",
        }
        (begin,) = cls.template["spec"]["initContainers"]
        command = [*begin["command"], *map(cls.placed, begin["args"])]
        settings = {"capture_output": True, "text": True, "timeout": PATIENCE, "check": False}
        done = subprocess.run(command, env=cls.variables(begin), **settings)
        if done.returncode:
            raise AssertionError(done.stdout + done.stderr)
        cls.parts = {}
        for container in cls.template["spec"]["containers"]:
            words = [tool(container["args"][0]), *container["args"][1:]]
            cls.parts[container["name"]] = Program(words, cls.variables(container))
            cls.addClassCleanup(cls.parts[container["name"]].close)

    @classmethod
    def placed(cls, text):
        """What a manifest says, where it is on this machine."""
        for there, here in cls.here.items():
            text = text.replace(there, here)
        return text

    @classmethod
    def variables(cls, container):
        """The environment of a container, as Kubernetes would make it."""
        said = dict(cls.settings)
        for each in container["env"]:
            if "value" in each:
                said[each["name"]] = re.sub(r"\$\((\w+)\)", lambda found: said[found[1]], each["value"])
                continue
            wanted = each["valueFrom"]["secretKeyRef"]
            if wanted["key"] in SECRETS or not wanted.get("optional"):
                said[each["name"]] = SECRETS[wanted["key"]]
        said = {name: cls.placed(value) for name, value in said.items()}
        said |= {"AIRFLOW__API__HOST": "127.0.0.1", "AIRFLOW__API__PORT": cls.ports["8080"]}
        said["AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_PORT"] = cls.ports["8974"]
        # PostgreSQL's drivers, which the image has.
        path = os.pathsep.join([str(tool("airflow").parent), os.environ["PATH"]])
        return environment(**said, PATH=path, PYTHONPATH=os.environ["PAPPUS_TEST_DRIVERS"])

    def probed(self, name):
        """Whether a container's probes are well."""
        (container,) = [each for each in self.template["spec"]["containers"] if each["name"] == name]
        probe = container["livenessProbe"]
        if "exec" in probe:
            words = [tool(probe["exec"]["command"][0]), *probe["exec"]["command"][1:]]
            return subprocess.run(words, env=self.variables(container), capture_output=True, check=False).returncode == 0
        (port,) = [each["containerPort"] for each in container["ports"] if each["name"] == probe["httpGet"]["port"]]
        with contextlib.suppress(OSError):
            return ask(self.ports[str(port)], "GET", probe["httpGet"]["path"])[0] == 200

    def page(self, method, path, body=None, token=None):
        """What Airflow's API answers."""
        headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {token}"} if token else {})
        status, _, answer = ask(self.ports["8080"], method, path, headers, json.dumps(body) if body else None)
        return status, json.loads(answer)

    def test_it_stands_lets_in_who_has_the_password_and_asks_the_functions_with_its_key(self):
        for name, part in self.parts.items():
            within(f"{name} is well", lambda: part.until("it lives", lambda: True) and self.probed(name))
        who = {"username": "admin", "password": "of-nobody"}
        self.assertEqual(self.page("POST", "/auth/token", who)[0], 401)
        status, answer = self.page("POST", "/auth/token", who | {"password": "of-the-page"})
        self.assertEqual(status, 201, answer)
        token = answer["access_token"]

        def dags():
            found = self.page("GET", "/api/v2/dags", None, token)[1]["dags"]
            return len(found) > 1 and {each["dag_id"]: each["is_paused"] for each in found}

        paused = within("the DAGs are read", dags)
        self.assertEqual(paused, {"pappus_extraction": True, "pappus_retraining": True})
        # Whoever has no key is turned away, so that what the DAG is told it is told for its own.
        said = {"content-type": "application/json"}
        self.assertEqual(self.function.ask("POST", "/decisions", said.items(), b'{"cause": "schedule"}')[0], 401)
        runs = "/api/v2/dags/pappus_retraining/dagRuns"
        self.assertEqual(self.page("PATCH", "/api/v2/dags/pappus_retraining", {"is_paused": False}, token)[0], 200)
        self.assertEqual(self.page("POST", runs, {"dag_run_id": "one", "logical_date": None}, token)[0], 200)
        over = ("success", "failed")
        within("it is over", lambda: self.page("GET", f"{runs}/one", None, token)[1]["state"] in over)
        tasks = self.page("GET", f"{runs}/one/taskInstances", None, token)[1]["task_instances"]
        states = {each["task_id"]: each["state"] for each in tasks}
        self.assertEqual(states["check_performance_and_new_data"], "success")
        self.assertEqual((states["training"], states["train"]), ("success", "skipped"))
        # The page shows the log that the scheduler's task has written.
        _, log = self.page("GET", f"{runs}/one/taskInstances/training/logs/1", None, token)
        self.assertIn("no reason to train", json.dumps(log))
