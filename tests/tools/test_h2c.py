"""HTTP/2 without TLS, as Knative's proxy may speak it: nghttp2's clients, which take it for granted that it is spoken."""

import re
import shutil
import subprocess
import unittest

import homes
from programs import function


@unittest.skipUnless(shutil.which("nghttp") and shutil.which("h2load"), "nghttp and h2load are not here: install nghttp2-client")
class H2c(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.picture = homes.pictures()["dandelion"][0]
        cls.server = function(homes.released(), "predict")
        cls.addClassCleanup(cls.server.close)

    def run_(self, *command):
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def url(self, path):
        return f"http://127.0.0.1:{self.server.port}{path}"

    def test_one_request(self):
        said = self.run_("nghttp", "-nv", self.url("/health/live"))
        self.assertIn(":status: 200", said)
        self.assertNotIn("HTTP Upgrade", said)
        image = ["-H", "content-type: image/jpeg", "-d", str(self.picture)]
        self.assertIn('"predicted_class":"dandelion"', self.run_("nghttp", *image, self.url("/predict")))

    def test_streams_at_once(self):
        image = ["-H", "content-type: image/jpeg", "-d", str(self.picture)]
        for requests, shape in [(2000, ["-c4", "-m10", self.url("/health/live")]), (400, ["-c2", "-m8", *image, self.url("/predict")])]:
            said = self.run_("h2load", f"-n{requests}", *shape)
            self.assertIn("Application protocol: h2c", said)
            self.assertIn(f"{requests} succeeded, 0 failed, 0 errored, 0 timeout", said)
            self.assertTrue(re.search(rf"status codes: {requests} 2xx, 0 3xx, 0 4xx, 0 5xx", said), said)
