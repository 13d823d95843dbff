"""The manifests before a real API server, with Knative's own definitions in it. Its webhooks are not there: what they alone
would refuse is not seen here. No pod runs; admission judges them all the same."""

import functools
import json
import os
import shutil
import tempfile
import unittest

import rendered
import yaml
from rendered import COMPONENTS, FOLDER, OVERLAYS, command

KUBECONFIG = os.environ.get("PAPPUS_TEST_KUBERNETES")
NAMESPACE = "pappus"


def kubectl(*words, said=None):
    """What kubectl says to this; a failure is one of the test."""
    done = attempt(*words, said=said)
    if done.returncode:
        raise AssertionError(f"kubectl {' '.join(map(str, words))}: {done.stderr or done.stdout}")
    return done.stdout


def attempt(*words, said=None):
    return command("kubectl", "--kubeconfig", KUBECONFIG, *words, said=said)


def remove():
    """Removes the namespace. Who would let go of its claims, once no pod has them, is not among the controllers of a cluster
    without nodes: so they are let go of here."""
    attempt("delete", "namespace", NAMESPACE, "--ignore-not-found", "--wait=false")
    claims = attempt("get", "persistentvolumeclaims", f"--namespace={NAMESPACE}", "--output=name").stdout.split()
    for claim in claims:
        attempt("patch", claim, f"--namespace={NAMESPACE}", "--type=merge", "--patch", '{"metadata": {"finalizers": null}}')
    kubectl("wait", "--for=delete", f"namespace/{NAMESPACE}", "--timeout=60s")


class Cluster(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not KUBECONFIG:
            raise unittest.SkipTest("PAPPUS_TEST_KUBERNETES names no cluster")
        if not shutil.which("kubectl"):
            raise unittest.SkipTest("kubectl is not here")
        if attempt("get", "namespace", NAMESPACE).returncode == 0:
            raise AssertionError(f"the cluster has a namespace {NAMESPACE} already, which is not this test's to change")
        files = rendered.definitions()
        cls.addClassCleanup(attempt, "delete", "--ignore-not-found", *(f"--filename={file}" for file in files))
        kubectl("apply", "--server-side", *(f"--filename={file}" for file in files))
        kubectl("wait", "--for=condition=Established", "--timeout=60s", *(f"--filename={file}" for file in files))
        kafka = "---\n".join(map(yaml.safe_dump, rendered.kafka_definitions()))
        cls.addClassCleanup(attempt, "delete", "--ignore-not-found", "--filename=-", said=kafka)
        kubectl("apply", "--server-side", "--filename=-", said=kafka)
        kubectl("wait", "--for=condition=Established", "--timeout=60s", "--filename=-", said=kafka)

    def apply(self, folder):
        """Applies what a folder builds, until the test is over."""
        text = rendered.text(folder)
        self.addCleanup(remove)
        kubectl("apply", "--filename=-", said=text)
        return text

    def test_each_overlay_is_accepted_and_then_differs_in_nothing(self):
        for name in OVERLAYS:
            with self.subTest(name):
                text = self.apply(FOLDER / "overlays" / name)
                done = attempt("diff", "--filename=-", said=text)
                self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)
                # A diff that sees nothing would be empty too.
                done = attempt("diff", "--filename=-", said=text.replace("PAPPUS_MODEL: classifier", "PAPPUS_MODEL: other"))
                self.assertEqual(done.returncode, 1, done.stderr)
                self.assertIn("PAPPUS_MODEL: other", done.stdout)
                self.doCleanups()

    def test_each_component_is_accepted_and_then_differs_in_nothing(self):
        for name in COMPONENTS:
            with self.subTest(name):
                text = yaml.safe_dump_all(rendered.with_component(name))
                self.addCleanup(remove)
                kubectl("apply", "--filename=-", said=text)
                done = attempt("diff", "--filename=-", said=text)
                self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)
                self.doCleanups()

    def test_what_kafka_does_not_define_is_refused(self):
        self.apply(FOLDER / "base")
        manifests = rendered.with_component("kafka")
        for kind, key, value in (("KafkaSource", "consumers", "many"), ("KafkaSink", "contentMode", "loose")):
            (one,) = rendered.of_kind(manifests, kind)
            done = attempt("apply", "--filename=-", "--dry-run=server", said=json.dumps(one))
            self.assertEqual(done.returncode, 0, done.stderr)
            wrong = {**one, "spec": {**one["spec"], key: value}}
            done = attempt("apply", "--filename=-", "--dry-run=server", said=json.dumps(wrong))
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(f"spec.{key}", done.stderr)

    def test_what_knative_does_not_define_is_refused(self):
        self.apply(FOLDER / "base")
        (service,) = [
            each
            for each in rendered.of_kind(rendered.objects(FOLDER / "base"), "Service", "serving.knative.dev")
            if each["metadata"]["name"] == "predict"
        ]
        service["spec"]["template"]["spec"]["containerConcurrency"] = "many"
        done = attempt("apply", "--filename=-", "--dry-run=server", said=json.dumps(service))
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("containerConcurrency", done.stderr)

    def test_every_pod_meets_the_strictest_standard(self):
        for name in OVERLAYS:
            manifests = rendered.overlay(name)
            self.apply(FOLDER / "overlays" / name)
            for where, template in rendered.templates(manifests).items():
                with self.subTest(f"{name}: {where}"):
                    done = attempt("create", "--filename=-", "--dry-run=server", said=json.dumps(pod(template)))
                    self.assertEqual(done.returncode, 0, done.stderr)
                    self.assertNotIn("Warning", done.stderr)
            # One that does not is refused by the same namespace.
            loose = pod(rendered.job(manifests)["spec"]["template"])
            loose["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = True
            done = attempt("create", "--filename=-", "--dry-run=server", said=json.dumps(loose))
            self.assertNotEqual(done.returncode, 0)
            self.assertIn('violates PodSecurity "restricted', done.stderr)
            self.doCleanups()

    def test_a_pod_over_the_quota_is_refused(self):
        self.apply(FOLDER / "overlays/local")
        large = pod(rendered.job(rendered.overlay("local"))["spec"]["template"])
        large["spec"]["containers"][0]["resources"]["limits"]["memory"] = "64Gi"
        kubectl("wait", "--for=jsonpath={.status.hard}", "--timeout=60s", f"--namespace={NAMESPACE}", "resourcequota/pappus")
        done = attempt("create", "--filename=-", "--dry-run=server", said=json.dumps(large))
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("exceeded quota", done.stderr)

    def test_an_account_may_do_its_work_and_nothing_else(self):
        self.apply(FOLDER / "overlays/local")
        allowed = {
            "pappus-train-trigger": [
                "create jobs.batch", "delete jobs.batch", "list pods", "get pods --subresource=log",
                "get configmaps/pappus-training",
            ],
            "prometheus": ["list pods", "watch pods"],
            "pappus": [],
            "pappus-train": [],
        }
        asked = {call for calls in allowed.values() for call in calls} | {
            "get secrets", "create pods", "get configmaps", "create pods --subresource=exec", "patch jobs.batch",
        }
        for account, calls in allowed.items():
            for call in sorted(asked | set(calls)):
                who = f"--as=system:serviceaccount:{NAMESPACE}:{account}"
                done = attempt("auth", "can-i", *call.split(), f"--namespace={NAMESPACE}", who)
                self.assertEqual(done.stdout.strip(), "yes" if call in calls else "no", f"{account}: {call}")

    def test_a_wrong_call_with_an_accounts_own_token_is_refused(self):
        self.apply(FOLDER / "overlays/local")
        admin = yaml.safe_load(kubectl("config", "view", "--raw", "--minify"))
        for account, right, wrong in (
            ("pappus-train-trigger", ["get", "configmap", "pappus-training"], ["get", "secrets"]),
            ("prometheus", ["get", "pods"], ["get", "configmaps"]),
        ):
            token = kubectl("create", "token", account, f"--namespace={NAMESPACE}").strip()
            own = {**admin, "users": [{"name": admin["contexts"][0]["context"]["user"], "user": {"token": token}}]}
            file = tempfile.NamedTemporaryFile("w", prefix="pappus-manifests-", suffix=".kubeconfig")
            self.addCleanup(file.close)
            file.write(json.dumps(own))
            file.flush()
            ask = functools.partial(command, "kubectl", "--kubeconfig", file.name, f"--namespace={NAMESPACE}")
            done = ask(*right)
            self.assertEqual(done.returncode, 0, done.stderr)
            done = ask(*wrong)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn("(Forbidden)", done.stderr)
            self.assertIn(f"system:serviceaccount:{NAMESPACE}:{account}", done.stderr)


def pod(template):
    """A pod of a template, as its owner would make it. Knative's proxy, which it adds, is not among its containers."""
    spec = {key: value for key, value in template["spec"].items() if key not in ("containerConcurrency", "timeoutSeconds")}
    spec["containers"] = [{"name": "user-container", **each} for each in spec["containers"]]
    for each in spec["containers"]:
        # Knative says which port where none is said.
        for probe in ("readinessProbe", "livenessProbe", "startupProbe"):
            if "httpGet" in each.get(probe, {}):
                each[probe] = {**each[probe], "httpGet": {"port": 8080, **each[probe]["httpGet"]}}
    metadata = {**template["metadata"], "name": "judged", "namespace": NAMESPACE}
    return json.loads(json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}))
