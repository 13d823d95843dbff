"""What the manifests say of pods is understood, all of it, and holds."""

import copy
import pathlib
import tempfile
import unittest

import rendered
from engine import BASE, USER, Wrong, engine
from pods import Pod, settings

SECRETS = {"pappus": {"PAPPUS_CATALOG": "mysql://pappus@mariadb/pappus"}}


def ours(name):
    """The templates of an overlay that are Pappus's own: those of its functions and its Jobs."""
    manifests = rendered.overlay(name)
    templates = rendered.templates(manifests)
    return manifests, {who: each["spec"] for who, each in templates.items() if who.split()[0] in ("Service", "Job")}


class Pods(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="pappus-pods-")
        self.addCleanup(folder.cleanup)
        self.network = {"name": "none", "gateway": "127.0.0.1", "work": pathlib.Path(folder.name)}

    def pod(self, manifests, spec):
        return Pod("pod", spec, settings(manifests, SECRETS), self.network, [])

    def test_every_function_of_every_overlay_is_understood(self):
        for overlay in rendered.OVERLAYS:
            manifests, specs = ours(overlay)
            wanted = {*(f"Service {name}" for name in rendered.FUNCTIONS), "Job train"}
            # What makes tables or buckets at first is of the components, whose images others make.
            self.assertLessEqual(wanted, set(specs))
            for who in sorted(wanted):
                with self.subTest(overlay=overlay, who=who):
                    options = self.pod(manifests, specs[who]).options
                    self.assertEqual(options[options.index("--user") + 1], f"{USER}:{USER}")
                    for option in ("--read-only", "--memory", "--cpus", "no-new-privileges"):
                        self.assertIn(option, options)

    def test_variables_and_files_are_those_of_secrets_and_config_maps(self):
        manifests, specs = ours("local")
        spec = specs["Service train-trigger"]
        pod = self.pod(manifests, spec)
        told = lambda pod: (pod.folder / "env").read_text()  # noqa: E731
        self.assertNotIn("PAPPUS_API_KEYS", told(pod))
        (policy,) = pod.folder.rglob("retraining.toml")
        self.assertEqual(policy.read_bytes(), (rendered.TOP / "infra/policy/retraining.toml").read_bytes())
        self.assertIn(f"{policy.parent}:/etc/pappus/policy:ro", pod.options)
        keys = {"pappus-api-keys": {"keys": "operate ada sha256:0"}}
        with_keys = Pod("keyed", spec, settings(manifests, SECRETS | keys), self.network, [])
        self.assertIn("PAPPUS_API_KEYS=operate ada sha256:0\n", told(with_keys))

    def test_what_is_not_understood_is_refused(self):
        manifests, specs = ours("local")
        container = lambda spec: spec["containers"][0]  # noqa: E731
        changes = {
            "hostNetwork": lambda spec: spec.update(hostNetwork=True),
            "lifecycle": lambda spec: container(spec).update(lifecycle={}),
            "privileged": lambda spec: container(spec)["securityContext"].update(privileged=True),
            "add": lambda spec: container(spec)["securityContext"]["capabilities"].update(add=["NET_ADMIN"]),
            "nvidia.com/gpu": lambda spec: container(spec)["resources"]["limits"].update({"nvidia.com/gpu": 1}),
            "hostPath": lambda spec: spec.update(volumes=[{"name": "tmp", "hostPath": {"path": "/"}}]),
            "run as root": lambda spec: container(spec)["securityContext"].update(runAsUser=0),
            "Unconfined": lambda spec: container(spec)["securityContext"].update(seccompProfile={"type": "Unconfined"}),
        }
        for expected, change in changes.items():
            with self.subTest(expected):
                spec = copy.deepcopy(specs["Service predict"])
                change(spec)
                with self.assertRaisesRegex(Wrong, expected):
                    self.pod(manifests, spec)

    def test_the_kernel_holds_a_container_to_it(self):
        engine().base()
        manifests, specs = ours("local")
        spec = copy.deepcopy(specs["Service predict"])
        spec["containers"][0]["resources"]["limits"]["memory"] = "64Mi"
        options = self.pod(manifests, spec).options
        run = lambda said: engine()("run", "--rm", *options, BASE, "/bin/sh", "-c", said)  # noqa: E731
        self.assertEqual(run("id -u; echo x >/tmp/x && cat /tmp/x; echo $PAPPUS_MODEL").split(), [str(USER), "x", "classifier"])
        with self.assertRaisesRegex(Wrong, "Read-only file system"):
            run("echo x >/var/tmp/x")
        # The shell says how its child ended: by a signal, once it had more than 64 MiB.
        self.assertEqual(run("head -c 256m /dev/zero | tail >/dev/null; echo $?").splitlines()[-1], "137")
        self.assertEqual(run("head -c 16m /dev/zero | tail >/dev/null; echo $?").splitlines()[-1], "0")
