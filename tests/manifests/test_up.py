"""What `scripts/cluster up` applies and says, told by what it asks of kubectl, which is a stand-in here: it builds with the
real one, writes down what it would apply, and knows of a cluster with everything in it."""

import base64
import hashlib
import json
import os
import pathlib
import re
import shutil
import tempfile
import unittest

import rendered
import yaml
from rendered import FUNCTIONS, TOP, command

KUBECTL = r"""#!/usr/bin/env bash
case "$*" in
  "kustomize "*) exec "$REAL" "$@" ;;
  *"apply -k "*) "$REAL" kustomize "${@: -1}" >"$APPLIED" ;;
  *"get secret pappus-api-keys"*) [ -z "$KEYS" ] || echo "$KEYS" ;;
  *"apply "*"-f -") cat >>"$MADE" ;;
  *"get secret"*) [[ " $SECRETS " == *" ${*: -1} "* ]] ;;
  *"get services -o name") printf 'service/%s\n' grafana minio predict ;;
  *latestReadyRevisionName*) ;;
  *"wait"*services.serving.knative.dev/predict*) exit 1 ;;
esac
"""
VERSION = re.search(r'^version = "(.+)"$', (TOP / "Cargo.toml").read_text(), re.M).group(1)
PREFIX = "registry.example.org:5000/team/"
IMAGES = [*FUNCTIONS, "train"]


class Up(unittest.TestCase):
    def setUp(self):
        if not shutil.which("kubectl"):
            self.skipTest("kubectl is not here")
        made = tempfile.TemporaryDirectory(prefix="pappus-manifests-")
        self.addCleanup(made.cleanup)
        self.folder = pathlib.Path(made.name)

    def up(self, *options, secrets="pappus mariadb minio grafana airflow", overlay="production", keys=""):
        """How it ended, and what was applied."""
        (self.folder / "kubectl").write_text(KUBECTL)
        (self.folder / "kubectl").chmod(0o755)
        applied = self.folder / "applied.yaml"
        applied.unlink(missing_ok=True)
        told = {"APPLIED": str(applied), "REAL": shutil.which("kubectl"), "SECRETS": secrets, "TMPDIR": str(self.folder)}
        told |= {"KEYS": keys, "MADE": str(self.folder / "made.yaml")}
        environment = {**os.environ, **told, "PATH": f"{self.folder}:{os.environ['PATH']}"}
        done = command(TOP / "scripts/cluster", "up", "--overlay", overlay, *options, env=environment)
        left = [each.name for each in self.folder.glob("pappus-cluster.*")]
        self.assertEqual(left, [], "what it made for itself is left")
        return done, [each for each in yaml.safe_load_all(applied.read_text()) if each] if applied.exists() else []

    def images(self, manifests):
        """Those of the functions, by name."""
        found = [each["spec"]["containers"][0]["image"] for each in rendered.templates(manifests).values()]
        return {name: image for image in found for name in re.findall(r"pappus-([a-z-]+)[:@]", image) if name in IMAGES}

    def digests(self, names):
        """A file as scripts/publish-images writes it, and what it says."""
        said = {name: f"{PREFIX}pappus-{name}@sha256:{number:064x}" for number, name in enumerate(names, 1)}
        file = self.folder / "digests.txt"
        file.write_text("".join(f"{line}\n" for line in said.values()))
        return file, said

    def test_images_are_those_of_the_manifests(self):
        done, manifests = self.up()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.images(manifests), {name: f"pappus-{name}:{VERSION}" for name in IMAGES})

    def test_images_of_a_registry_are_of_this_version(self):
        for overlay in rendered.OVERLAYS:
            with self.subTest(overlay):
                done, manifests = self.up("--images", PREFIX, overlay=overlay)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertEqual(self.images(manifests), {name: f"{PREFIX}pappus-{name}:{VERSION}" for name in IMAGES})
                # Nothing else is another.
                self.assertEqual(len(manifests), len(rendered.overlay(overlay)))

    def test_images_are_those_that_were_published(self):
        file, said = self.digests(IMAGES)
        for overlay in rendered.OVERLAYS:
            with self.subTest(overlay):
                done, manifests = self.up("--images", PREFIX, "--digests", file, overlay=overlay)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertEqual(self.images(manifests), said)

    def test_nothing_is_applied_where_a_digest_is_missing(self):
        for missing in IMAGES:
            file, _ = self.digests([name for name in IMAGES if name != missing])
            done, manifests = self.up("--images", PREFIX, "--digests", file)
            self.assertEqual((done.returncode, manifests), (1, []), done.stderr)
            self.assertIn(f"{PREFIX}pappus-{missing}@sha256:", done.stderr)

    def test_digests_of_another_registry_are_none(self):
        file, _ = self.digests(IMAGES)
        done, manifests = self.up("--images", "registryXexample.org/", "--digests", file)
        self.assertEqual((done.returncode, manifests), (2, []), done.stderr)
        done, manifests = self.up("--images", "registry.example.org/", "--digests", file)
        self.assertEqual((done.returncode, manifests), (1, []), done.stderr)

    def test_wrong_words_are_refused(self):
        file, _ = self.digests(IMAGES)
        for options in (["--digests", file], ["--images", "no/slash/at/its/end"], ["--images", PREFIX, "--digests", "/nowhere"]):
            done, manifests = self.up(*options)
            self.assertEqual((done.returncode, manifests), (2, []), done.stderr)

    def test_a_secret_that_is_missing_is_told_and_one_that_may_be_is_not(self):
        done, manifests = self.up(secrets="")
        self.assertEqual((done.returncode, manifests), (1, []))
        self.assertIn("has no Secret pappus,", done.stderr)
        done, _ = self.up(secrets="pappus")
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_functions_know_airflow_by_the_key_that_is_made_for_it(self):
        before = f"predict shop sha256:{'0' * 64}"
        self.up(overlay="local-airflow", secrets="pappus mariadb minio grafana", keys=f"{before}\noperate airflow sha256:{'1' * 64}")
        made = yaml.safe_load((self.folder / "made.yaml").read_text())["items"]
        made = {each["metadata"]["name"]: each["stringData"] for each in made}
        digest = hashlib.sha256(made["airflow"]["pappus-key"].encode()).hexdigest()
        self.assertEqual(made["pappus-api-keys"]["keys"], f"{before}\noperate airflow sha256:{digest}\n")
        self.assertEqual(len(base64.urlsafe_b64decode(made["airflow"]["fernet-key"])), 32)
        self.assertEqual(list(json.loads(made["airflow"]["passwords.json"])), ["admin"])
        needs = r"secretKeyRef:\n *key: ([a-z-]+)\n *name: airflow\n(?! *optional)"
        asked = set(re.findall(needs, rendered.text(TOP / "k8s-knative/overlays/local-airflow")))
        self.assertLessEqual(asked, set(made["airflow"]))
        self.assertGreater(len(asked), 3)

    def test_addresses_are_of_what_is_there(self):
        done, _ = self.up()
        said = re.findall(r"kubectl -n pappus port-forward service/(\w+) \d+:(\d+)", done.stdout)
        self.assertEqual(said, [("grafana", "3000"), ("minio", "9001")], done.stdout)

    def test_every_server_has_an_address_where_its_service_listens(self):
        script = (TOP / "scripts/cluster").read_text()
        told = dict(re.findall(r"^(\w+)\|\d+:(\d+)\|", script, re.M))
        for name in rendered.COMPONENTS:
            for service in rendered.of_kind(rendered.with_component(name), "Service", "v1"):
                ports = [str(port["port"]) for port in service["spec"]["ports"]]
                if service["metadata"]["name"] not in ("mariadb", "airflow-postgres", "dead-letters"):
                    self.assertIn(told.get(service["metadata"]["name"]), ports, service["metadata"]["name"])
