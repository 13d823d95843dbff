"""The policy that the manifests mount, read by the function that follows it."""

import pathlib
import re
import subprocess
import tempfile
import unittest

import rendered
from programs import BUILT, environment, function
from rendered import FOLDER, TOP, of_kind

FILE = TOP / "infra/policy/retraining.toml"


class Policy(unittest.TestCase):
    def setUp(self):
        self.program = BUILT / "pappus-train-trigger"
        if not self.program.exists():
            self.skipTest("pappus-train-trigger is not built: cargo build --workspace --bins")
        made = tempfile.TemporaryDirectory(prefix="pappus-manifests-")
        self.addCleanup(made.cleanup)
        self.home = pathlib.Path(made.name)

    def test_train_trigger_begins_with_it(self):
        server = function(self.home, "train-trigger", PAPPUS_POLICY=FILE)
        self.addCleanup(server.close)
        status, _, body = server.ask("GET", "/health/ready")
        self.assertEqual(status, 200, body)

    def test_train_trigger_would_not_begin_with_another_word_in_it(self):
        other = self.home / "retraining.toml"
        other.write_text(FILE.read_text().replace("new_images", "new_pictures"))
        variables = environment(PAPPUS_HOME=self.home, PORT="0", PAPPUS_POLICY=other)
        done = subprocess.run([self.program], env=variables, capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("PAPPUS_POLICY cannot be used", done.stderr)

    def test_it_says_what_the_document_says(self):
        (told,) = re.findall(r"```toml\n(\[retraining\].*?)```", (TOP / "docs/configuration.md").read_text(), re.S)
        self.assertEqual(FILE.read_text().partition("\n")[2], told)

    def test_train_trigger_is_where_it_is_mounted(self):
        for service in of_kind(rendered.objects(FOLDER / "base"), "Service", "serving.knative.dev"):
            spec = service["spec"]["template"]["spec"]
            (container,) = spec["containers"]
            said = {each["name"]: each.get("value") for each in container.get("env", [])}
            if service["metadata"]["name"] != "train-trigger":
                self.assertNotIn("PAPPUS_POLICY", said)
                continue
            folder, _, name = said["PAPPUS_POLICY"].rpartition("/")
            self.assertEqual(name, FILE.name)
            (mount,) = [each for each in container["volumeMounts"] if each["mountPath"] == folder]
            (volume,) = [each for each in spec["volumes"] if each["name"] == mount["name"]]
            self.assertRegex(volume["configMap"]["name"], "^pappus-policy-[a-z0-9]{10}$")
