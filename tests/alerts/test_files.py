"""Rules, dashboards and configurations as files: what they say, and what mounts them."""

import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import yaml
from programs import TARGET, TOP
from watching import DASHBOARDS, INFRA, RULES, alerts, rules, run

TESTED = pathlib.Path(__file__).parent / "rules"


def images(path):
    return set(re.findall(r"image: ((?:prom|grafana)/\S+)", path.read_text()))


def judge():
    """The program that judges dashboards, built once for its sources."""
    if not shutil.which("go"):
        raise unittest.SkipTest("Grafana's definitions come as a Go module, and Go is not here")
    source = pathlib.Path(__file__).parent / "grafana"
    digest = hashlib.sha256(b"".join((source / name).read_bytes() for name in ("go.mod", "go.sum", "main.go"))).hexdigest()
    program = TARGET / "services" / f"grafana-judge-{digest[:8]}"
    if not program.exists():
        settings = {**os.environ, "GOFLAGS": "-mod=readonly", "GOWORK": "off", "GOTOOLCHAIN": "local", "CGO_ENABLED": "0"}
        part = program.with_suffix(".part")
        command = ["go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", part, "."]
        done = subprocess.run(command, cwd=source, env=settings, capture_output=True, text=True, check=False)
        if done.returncode:
            said = done.stderr.strip()
            if "checksum mismatch" in said or "missing go.sum" in said:
                raise AssertionError(said)
            raise unittest.SkipTest(f"what judges dashboards could not be built: {said.splitlines()[-1]}")
        part.rename(program)
    return program


class Rules(unittest.TestCase):
    def test_rules_raise_what_they_are_to_and_nothing_else(self):
        for path in RULES:
            done = run("promtool", "test", "rules", TESTED / path.name)
            with self.subTest(path.name):
                self.assertEqual(done.returncode, 0, done.stdout)

    def test_every_alert_is_seen_raised_and_not_raised(self):
        for path in RULES:
            cases = yaml.safe_load((TESTED / path.name).read_text())["tests"]
            asked = [case for test in cases for case in test["alert_rule_test"]]
            for name in (rule["alert"] for rule in rules(path) if "alert" in rule):
                with self.subTest(name):
                    self.assertEqual({bool(case.get("exp_alerts")) for case in asked if case["alertname"] == name}, {True, False})

    def test_every_alert_says_how_bad_it_is_and_what_to_do(self):
        runbook = (TOP / "docs/runbook.md").read_text()
        sections = re.findall(r"^### (\w+)$", runbook, re.M)
        for name, rule in alerts().items():
            with self.subTest(name):
                self.assertIn(rule["labels"]["severity"], ("critical", "warning"))
                self.assertRegex(rule["for"], r"^\d+[mh]$")
                self.assertTrue(rule["annotations"]["summary"])
                self.assertEqual(rule["annotations"]["runbook"], f"docs/runbook.md#{name.lower()}")
        self.assertEqual(sorted(sections), sorted(alerts()), "sections of the runbook, one for each alert")

    def test_reasons_that_an_alert_tells_apart_are_those_of_predict(self):
        code = "".join((TOP / file).read_text() for file in ("functions/predict/src/error.rs", "shared/inference/src/error.rs"))
        kinds = {kind for body in re.findall(r"fn kind\(&self\).*?\n    }\n", code, re.S) for kind in re.findall(r'"(\w+)"', body)}
        self.assertIn("not_an_image", kinds)
        for path in RULES:
            for value in re.findall(r'error_type[=!]~?"([^"]+)"', path.read_text()):
                self.assertLessEqual(set(value.split("|")), kinds)


class Configurations(unittest.TestCase):
    def test_that_of_docker_compose(self):
        done = run("promtool", "check", "config", INFRA / "prometheus/prometheus.yml")
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_that_of_alertmanager_sends_each_alert_to_whom_it_is_for(self):
        file = f"--config.file={INFRA / 'alertmanager/alertmanager.yml'}"
        done = run("amtool", "check-config", INFRA / "alertmanager/alertmanager.yml")
        self.assertEqual(done.returncode, 0, done.stdout)
        for name, rule in alerts().items():
            labels = [f"{key}={value}" for key, value in {"alertname": name, **rule["labels"]}.items()]
            done = run("amtool", "config", "routes", "test", file, *labels)
            told = "train-trigger,people" if rule["labels"].get("retrain") == "yes" else "people"
            with self.subTest(name):
                self.assertEqual((done.returncode, done.stdout.strip()), (0, told))

    def test_mail_as_the_document_says(self):
        text = (TOP / "docs/configuration.md").read_text()
        (receiver,) = re.findall(r"^```yaml\n(.*?email_configs.*?)^```$", text, re.M | re.S)
        configuration = yaml.safe_load((INFRA / "alertmanager/alertmanager.yml").read_text())
        configuration["receivers"][0] = yaml.safe_load(receiver)["receivers"][0]
        with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
            file.write(yaml.safe_dump(configuration))
            file.flush()
            done = run("amtool", "check-config", file.name)
        self.assertEqual(done.returncode, 0, done.stdout)


class Dashboards(unittest.TestCase):
    def test_they_have_the_shape_that_grafana_takes(self):
        (source,) = yaml.safe_load((INFRA / "grafana/provisioning/datasources/prometheus.yaml").read_text())["datasources"]
        seen = set()
        for path in DASHBOARDS:
            board = json.loads(path.read_text())
            with self.subTest(path.name):
                self.assertIsNone(board["id"], "an id is a database's to give")
                self.assertRegex(board["uid"], r"^[a-zA-Z0-9_-]{1,40}$")
                self.assertNotIn(board["uid"], seen)
                self.assertNotIn(board["title"], seen)
                seen |= {board["uid"], board["title"]}
                self.assertGreaterEqual(board["schemaVersion"], 39)
                numbers = [panel["id"] for panel in board["panels"]]
                self.assertEqual(len(numbers), len(set(numbers)))
                taken = set()
                for panel in board["panels"]:
                    at = panel["gridPos"]
                    cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
                    self.assertLessEqual(at["x"] + at["w"], 24, panel["title"])
                    self.assertFalse(cells & taken, f"{panel['title']} lies on another")
                    taken |= cells
                    if panel["type"] == "text":
                        continue
                    named = [panel["datasource"], *(target["datasource"] for target in panel["targets"])]
                    self.assertTrue(all(each == {"type": source["type"], "uid": source["uid"]} for each in named))
                    letters = [target["refId"] for target in panel["targets"]]
                    self.assertEqual(len(letters), len(set(letters)))

    def test_grafanas_own_definitions_take_them(self):
        program = judge()
        done = subprocess.run([program, *DASHBOARDS], capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)
        for wrong in ({"panels": [{"type": "stat", "options": {"colour": "red"}}]}, {"schemaVersion": "new"}):
            with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
                file.write(json.dumps(json.loads(DASHBOARDS[0].read_text()) | wrong))
                file.flush()
                done = subprocess.run([program, file.name], capture_output=True, text=True, check=False)
                self.assertTrue(done.stdout, "what is wrong is told")

    def test_alerts_that_they_name_are_there(self):
        text = "".join(path.read_text() for path in DASHBOARDS)
        named = {name for list_ in re.findall(r"\b[Aa]lerts? ((?:[A-Z]\w+(?:, )?)+)", text) for name in list_.split(", ")}
        self.assertGreater(len(named), 8)
        self.assertLessEqual({name for name in named if name}, set(alerts()))


class Mounted(unittest.TestCase):
    """Of a file there is one: a cluster and Docker Compose have the same."""

    @unittest.skipUnless(shutil.which("kubectl"), "kubectl is not here")
    def test_in_a_cluster(self):
        done = subprocess.run(["kubectl", "kustomize", TOP / "k8s-knative/overlays/local"], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        manifests = [each for each in yaml.safe_load_all(done.stdout) if each]
        maps = {each["metadata"]["name"]: each["data"] for each in manifests if each["kind"] == "ConfigMap"}
        deployments = {each["metadata"]["name"]: each for each in manifests if each["kind"] == "Deployment"}

        def files(deployment, path):
            """What is in the folder `path` of its container."""
            pod = deployments[deployment]["spec"]["template"]["spec"]
            (volume,) = [each["name"] for each in pod["containers"][0]["volumeMounts"] if each["mountPath"] == path]
            (held,) = [each for each in pod["volumes"] if each["name"] == volume]
            sources = held["projected"]["sources"] if "projected" in held else [held]
            return {key: text for each in sources if "configMap" in each for key, text in maps[each["configMap"]["name"]].items()}

        mounted = files("prometheus", "/etc/prometheus")
        expected = {path.name: path.read_text() for path in RULES} | {"prometheus.yml": (INFRA / "prometheus/cluster.yml").read_text()}
        self.assertEqual(mounted, expected)
        with tempfile.TemporaryDirectory(prefix="pappus-alerts-") as folder:
            for name, text in mounted.items():
                (pathlib.Path(folder) / name).write_text(text)
            done = run("promtool", "check", "config", pathlib.Path(folder) / "prometheus.yml")
            self.assertEqual(done.returncode, 0, done.stdout)
            self.assertEqual(done.stdout.count("rules found"), len(RULES), done.stdout)

        mounted = files("alertmanager", "/etc/alertmanager")
        self.assertEqual(mounted["alertmanager.yml"], (INFRA / "alertmanager/alertmanager.yml").read_text())
        self.assertRegex(mounted["train-trigger"], r"^http://train-trigger\.pappus\.svc\.cluster\.local/events$")
        (secret,) = [
            each["secret"]
            for volume in deployments["alertmanager"]["spec"]["template"]["spec"]["volumes"]
            for each in volume.get("projected", {}).get("sources", [])
            if "secret" in each
        ]
        # Without one it starts all the same.
        self.assertEqual((secret["name"], secret["optional"], secret["items"][0]["path"]), ("pappus", True, "secrets/webhook"))

        boards = {path.name: path.read_text() for path in DASHBOARDS}
        self.assertEqual(files("grafana", "/etc/grafana/dashboards"), boards)
        for kind in ("datasources", "dashboards"):
            provisioned = {path.name: path.read_text() for path in (INFRA / "grafana/provisioning" / kind).iterdir()}
            self.assertEqual(files("grafana", f"/etc/grafana/provisioning/{kind}"), provisioned)

    def test_with_docker_compose(self):
        services = yaml.safe_load((INFRA / "compose.yaml").read_text())["services"]
        (provider,) = yaml.safe_load((INFRA / "grafana/provisioning/dashboards/pappus.yaml").read_text())["providers"]
        for service, wanted in {
            "prometheus": {"/etc/prometheus": INFRA / "prometheus"},
            "alertmanager": {"/etc/alertmanager/alertmanager.yml": INFRA / "alertmanager/alertmanager.yml"},
            "grafana": {
                "/etc/grafana/provisioning": INFRA / "grafana/provisioning",
                provider["options"]["path"]: INFRA / "grafana/dashboards",
            },
        }.items():
            bound = {}
            for each in services[service]["volumes"]:
                source, target, *mode = each.split(":")
                if source.startswith("."):
                    self.assertEqual(mode, ["ro"])
                    bound[target] = (INFRA / source).resolve()
            self.assertEqual(bound, wanted, service)
        named = re.findall(r"_file: (\S+)", (INFRA / "alertmanager/alertmanager.yml").read_text())
        self.assertEqual(sorted(named), sorted(each["target"] for each in services["alertmanager"]["configs"]))

    def test_the_versions_are_the_same(self):
        components = TOP / "k8s-knative/components"
        for name in ("prometheus", "alertmanager", "grafana"):
            self.assertLessEqual(images(components / name / f"{name}.yaml"), images(INFRA / "compose.yaml"))
