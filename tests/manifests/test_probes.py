"""The probes, asked of the functions themselves: an answer that is not there would let no pod begin, or end each."""

import tempfile
import unittest

import rendered
from programs import BUILT, function
from rendered import FOLDER, of_kind


class Probes(unittest.TestCase):
    def test_each_function_answers_its_probes(self):
        for service in of_kind(rendered.objects(FOLDER / "base"), "Service", "serving.knative.dev"):
            name = service["metadata"]["name"]
            if not (BUILT / f"pappus-{name}").exists():
                self.skipTest(f"pappus-{name} is not built: cargo build --workspace --bins")
            (container,) = service["spec"]["template"]["spec"]["containers"]
            with tempfile.TemporaryDirectory(prefix="pappus-manifests-") as home, self.subTest(name):
                server = function(home, name)
                self.addCleanup(server.close)
                status, _, body = server.ask("GET", container["livenessProbe"]["httpGet"]["path"])
                self.assertEqual(status, 200, body)
                # predict alone has something to wait for: its first model.
                status, _, body = server.ask("GET", container["readinessProbe"]["httpGet"]["path"])
                self.assertEqual(status, 503 if name == "predict" else 200, body)
                status, _, _ = server.ask("GET", "/no-such-path")
                self.assertEqual(status, 404)
