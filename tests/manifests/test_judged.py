"""Knative's objects as Knative's own webhooks would take them: its code, built of its modules (tests/manifests/judge)."""

import hashlib
import json
import os
import pathlib
import shutil
import sys
import unittest

import rendered
from programs import TARGET
from rendered import COMPONENTS, OVERLAYS, command

SOURCE = pathlib.Path(__file__).parent / "judge"


def judge():
    """The program, built once for these sources."""
    if not shutil.which("go"):
        raise unittest.SkipTest("Knative's validation is built from its source, and Go is not here")
    digest = hashlib.sha256(b"".join((SOURCE / name).read_bytes() for name in ("go.mod", "go.sum", "main.go"))).hexdigest()
    program = TARGET / "services" / f"knative-judge-{digest[:8]}"
    if not program.exists():
        print("building Knative's validation, which takes some minutes", file=sys.stderr)
        program.parent.mkdir(parents=True, exist_ok=True)
        settings = {**os.environ, "GOFLAGS": "-mod=readonly", "GOWORK": "off", "GOTOOLCHAIN": "local", "CGO_ENABLED": "0"}
        part = program.with_suffix(".part")
        done = command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", part, ".", cwd=SOURCE, env=settings)
        if done.returncode:
            said = done.stderr.strip()
            if "checksum mismatch" in said or "missing go.sum" in said:
                raise AssertionError(said)
            raise unittest.SkipTest(f"Knative's validation could not be built: {said.splitlines()[-1]}")
        part.rename(program)
    return program


# Their module is not to be had: what the API server makes of them is seen in test_cluster.py.
KAFKA = {"KafkaSource", "KafkaSink"}


class Judged(unittest.TestCase):
    def test_knatives_webhooks_would_take_every_overlay(self):
        program = judge()
        for name in OVERLAYS:
            with self.subTest(name):
                ours = [each for each in rendered.overlay(name) if "knative.dev/" in each["apiVersion"]]
                self.assertGreater(len(ours), 20)
                done = command(program, said=json.dumps(ours))
                self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)

    def test_knatives_webhooks_would_take_every_component(self):
        program = judge()
        for name in COMPONENTS:
            with self.subTest(name):
                manifests = rendered.with_component(name)
                ours = [each for each in manifests if "knative.dev/" in each["apiVersion"]]
                self.assertEqual({each["kind"] for each in ours} & KAFKA, KAFKA if name == "kafka" else set())
                done = command(program, said=json.dumps([each for each in ours if each["kind"] not in KAFKA]))
                self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)

    def test_they_would_refuse_what_serving_does_not_allow(self):
        service = next(each for each in rendered.overlay("local") if each["metadata"]["name"] == "predict")
        service["spec"]["template"]["spec"]["hostNetwork"] = True
        done = command(judge(), said=json.dumps([service]))
        self.assertEqual(done.returncode, 1)
        self.assertIn("hostNetwork", done.stdout)
