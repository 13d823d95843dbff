"""What the manifests say, before any cluster has seen them."""

import re
import unittest

import rendered
from rendered import COMPONENTS, FOLDER, FUNCTIONS, OVERLAYS, TOP, of_kind

# What is built of this source.
VERSION = re.search(r'^version = "(.+)"$', (TOP / "Cargo.toml").read_text(), re.M).group(1)
# Names of what is nobody else's to know.
SECRET = "PASSWORD|SECRET|ACCESS_KEY|TOKEN$|CATALOG"


def everything():
    """Each build, by name."""
    yield "base", rendered.objects(FOLDER / "base")
    for name in OVERLAYS:
        yield f"overlay {name}", rendered.overlay(name)
    for name in COMPONENTS:
        yield f"component {name}", rendered.with_component(name)


def settings(manifests):
    """What the functions read, and what the Jobs do."""
    by_name = {each["metadata"]["name"]: each["data"] for each in of_kind(manifests, "ConfigMap")}
    (functions,) = [data for name, data in by_name.items() if name.startswith("pappus-functions-")]
    return functions, by_name["pappus"]


class Built(unittest.TestCase):
    def test_every_overlay_and_component_builds(self):
        for name, manifests in everything():
            with self.subTest(name):
                self.assertTrue(manifests)
                placed = {each["metadata"].get("namespace") for each in manifests if each["kind"] != "Namespace"}
                self.assertEqual(placed, {"pappus"})

    def test_every_image_has_a_version(self):
        for name, manifests in everything():
            for where, template in rendered.templates(manifests).items():
                for container in template["spec"]["containers"]:
                    with self.subTest(f"{name}: {where}"):
                        self.assertRegex(container["image"], r":v?[\w.-]*\d[\w.-]*$")
                        self.assertNotRegex(container["image"], ":latest$")

    def test_every_image_of_a_function_is_that_of_this_version(self):
        for name, manifests in everything():
            for where, template in rendered.templates(manifests).items():
                image = template["spec"]["containers"][0]["image"]
                if re.search(rf"pappus-({'|'.join([*FUNCTIONS, 'train'])})\b", image):
                    with self.subTest(f"{name}: {where}"):
                        self.assertTrue(image.endswith(f":{VERSION}"), f"{image}: Cargo.toml says {VERSION}")

    def test_keys_of_callers_are_read_where_there_are_any(self):
        wanted = {"secretKeyRef": {"name": "pappus-api-keys", "key": "keys", "optional": True}}
        for service in of_kind(rendered.objects(FOLDER / "base"), "Service", "serving.knative.dev"):
            (container,) = service["spec"]["template"]["spec"]["containers"]
            said = {each["name"]: each.get("valueFrom") for each in container["env"]}
            self.assertEqual(said["PAPPUS_API_KEYS"], wanted, service["metadata"]["name"])

    def test_knative_asks_no_registry_about_local_images(self):
        for service in of_kind(rendered.overlay("local"), "Service", "serving.knative.dev"):
            name = service["metadata"]["name"]
            (container,) = service["spec"]["template"]["spec"]["containers"]
            self.assertRegex(container["image"], rf"^dev\.local/pappus-{name}:\d")

    def test_no_secret_is_in_a_manifest(self):
        for name, manifests in everything():
            with self.subTest(name):
                self.assertFalse(of_kind(manifests, "Secret"))
                for where, template in rendered.templates(manifests).items():
                    for container in template["spec"]["containers"]:
                        said = {each["name"]: each.get("value") for each in container.get("env", [])}
                        given = [key for key, value in said.items() if value and re.search(SECRET, key)]
                        self.assertFalse(given, where)
                for data in settings(manifests):
                    self.assertFalse([key for key in data if re.search(SECRET, key)])

    def test_every_setting_is_one_that_functions_read(self):
        known = set(re.findall(r"`([A-Z][A-Z_]+)`", (TOP / "docs/configuration.md").read_text()))
        for name, manifests in everything():
            functions, jobs = settings(manifests)
            with self.subTest(name):
                self.assertEqual(functions, jobs)
                self.assertLessEqual(set(functions), known)

    def test_other_settings_are_another_revision(self):
        for name in OVERLAYS:
            manifests = rendered.overlay(name)
            (wanted,) = [
                each["metadata"]["name"]
                for each in of_kind(manifests, "ConfigMap")
                if each["metadata"]["name"].startswith("pappus-functions-")
            ]
            for service in of_kind(manifests, "Service", "serving.knative.dev"):
                sources = service["spec"]["template"]["spec"]["containers"][0]["envFrom"]
                self.assertIn({"configMapRef": {"name": wanted}}, sources, service["metadata"]["name"])

    def test_what_is_mounted_is_the_file_itself(self):
        files = {
            ("prometheus", "prometheus.yml"): "infra/prometheus/cluster.yml",
            ("alertmanager", "alertmanager.yml"): "infra/alertmanager/alertmanager.yml",
            ("mariadb-begin", "mlflow.sh"): "infra/mariadb/mlflow.sh",
            ("pappus-policy", "retraining.toml"): "infra/policy/retraining.toml",
            ("grafana-datasources", "prometheus.yaml"): "infra/grafana/provisioning/datasources/prometheus.yaml",
        }
        found = {}
        for each in of_kind(rendered.overlay("local"), "ConfigMap"):
            for key, value in each["data"].items():
                found[re.sub("-[a-z0-9]{10}$", "", each["metadata"]["name"]), key] = value
        for where, file in files.items():
            self.assertEqual(found[where], (TOP / file).read_text(), file)

    def test_the_template_of_jobs_is_its_file_but_for_image_and_memory(self):
        file = (FOLDER / "base/training/job.yaml").read_text()
        for name, memory in {"local": "1536Mi", "local-airflow": "1536Mi", "production": "3Gi"}.items():
            (found,) = [
                each["data"]["job.yaml"]
                for each in of_kind(rendered.overlay(name), "ConfigMap")
                if each["metadata"]["name"] == "pappus-training"
            ]
            said = file.replace('"pappus-train"', f'"pappus-train:{VERSION}"').replace('"3Gi"', f'"{memory}"')
            self.assertEqual(found, said, name)


class Events(unittest.TestCase):
    """The triggers, beside what the functions' sources say that they take."""

    def test_each_function_is_sent_what_it_takes_and_nothing_else(self):
        kinds = dict(re.findall(r'(\w+) = "(io\.pappus[\w.]+)"', (TOP / "shared/domain/src/event.rs").read_text()))
        self.assertGreater(len(kinds), 8)
        for function in FUNCTIONS:
            source = "".join(file.read_text() for file in sorted((TOP / "functions" / function / "src").rglob("*.rs")))
            (body,) = re.findall(r"fn kinds\(&self\) -> Vec<&'static str> \{(.*?)\n    \}\n", source, re.S)
            takes = {kinds[name] for name in re.findall(r"(\w+)::KIND", body)}
            sent = set()
            for trigger in of_kind(rendered.objects(FOLDER / "base"), "Trigger"):
                if trigger["spec"]["subscriber"]["ref"]["name"] == function:
                    sent.add(trigger["spec"]["filter"]["attributes"]["type"])
            # Knative's own name for a schedule, which the functions read as theirs.
            sent = {"io.pappus.schedule" if kind == "dev.knative.sources.ping" else kind for kind in sent}
            self.assertEqual(sent, takes, function)

    def test_the_sink_of_functions_is_the_broker(self):
        manifests = rendered.objects(FOLDER / "base")
        (broker,) = of_kind(manifests, "Broker")
        path = f"/{broker['metadata']['namespace']}/{broker['metadata']['name']}"
        functions, _ = settings(manifests)
        self.assertTrue(functions["K_SINK"].endswith(path))
        self.assertEqual({each["spec"]["broker"] for each in of_kind(manifests, "Trigger")}, {broker["metadata"]["name"]})
