"""One whole loop through the images, started as the manifests of the local overlay would start them."""

import http.client
import json
import time
import unittest
import urllib.request

from deployment import Deployment
from engine import USER, engine, pappus, told, until

EACH = 50  # pictures of each class that the team has
TRAINING = 1200  # seconds, for a training in a container with debug programs on a busy machine


class Loop(unittest.TestCase):
    maxDiff = None

    def test_from_pictures_in_the_bucket_to_a_prediction(self):
        self.deployment = deployment = Deployment(self)
        self.broker = broker = deployment.broker
        begun = time.monotonic()
        deployment.start("ingest", "evaluate", "promote", "predict", "notify")
        for name in ("ingest", "evaluate", "promote", "notify"):
            self.wait(f"{name} is ready", deployment.subscribers[name].ready.is_set)
        predict = deployment.pods["predict"]
        self.wait("predict is live", lambda: predict.answers("livenessProbe"))
        self.assertFalse(predict.answers("readinessProbe"), "predict is ready without a model")

        pictures = self.put()
        # What is told again has the same identity.
        ingested = lambda: len({each for each in broker.identities if each[0] == "io.pappus.image.ingested"}) == 2 * EACH  # noqa: E731
        self.wait("all are ingested", ingested, patience=300)
        # Only now is there somebody who decides whether to train: else the training begins with the first fifty.
        deployment.start("train-trigger")
        released = lambda: "io.pappus.release.changed" in broker.taken or self.failing()  # noqa: E731
        self.wait("a model is released", released, patience=TRAINING)
        self.assertFalse(self.failing(), deployment.logs())
        self.wait("predict is ready", deployment.subscribers["predict"].ready.is_set, patience=180)

        champion = json.loads(deployment.pods["promote"].container.ask("GET", "/release")[1])["release"]["champion"]
        for label, picture in pictures:
            status, read = self.predict(picture)
            self.assertEqual(status, 200, read)
            made = json.loads(read)
            self.assertEqual((made["predicted_class"], made["model_version"]), (label, champion))
        told(f"from the first container to {len(pictures)} right answers: {time.monotonic() - begun:.0f} s")

        self.the_schedule()
        self.wait("every event is delivered", lambda: not broker.under_way, patience=300)
        self.events()
        self.training()
        self.wait("MLflow knows the model", self.tracked)
        self.limits()

    def put(self):
        """Puts the team's pictures into the bucket; others, with their labels, to ask about."""
        import boto3

        # A folder of its own: other tests draw pictures too.
        work, found = engine().work / "loop", self.deployment.found
        pappus(work / "unused", "sample", work / "known", "--count", str(EACH))
        pappus(work / "unused", "sample", work / "others", "--count", "4", "--seed", "2")
        endpoint = found["PAPPUS_TEST_S3"].partition("endpoint=")[2].partition("&")[0]
        keys = {"aws_access_key_id": found["AWS_ACCESS_KEY_ID"], "aws_secret_access_key": found["AWS_SECRET_ACCESS_KEY"]}
        bucket = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1", **keys)
        for path in sorted((work / "known").rglob("*.jpg")):
            bucket.put_object(Bucket="pappus", Key=f"incoming/{path.parent.name}/{path.name}", Body=path.read_bytes())
        return [(path.parent.name, path) for path in sorted((work / "others").rglob("*.jpg"))]

    def predict(self, picture):
        address = self.deployment.subscribers["predict"].address()
        connection = http.client.HTTPConnection(*address, timeout=60)
        connection.request("POST", "/predict", picture.read_bytes(), {"content-type": "image/jpeg"})
        answer = connection.getresponse()
        read = answer.read()
        connection.close()
        return answer.status, read

    def the_schedule(self):
        """What a PingSource sends every hour."""
        (source,) = self.deployment.of("PingSource")
        self.assertEqual(source["spec"]["sink"]["ref"]["kind"], "Broker")
        event = {"ce-specversion": "1.0", "ce-type": "dev.knative.sources.ping", "ce-id": "1"}
        event |= {"ce-source": "/apis/v1/namespaces/pappus/pingsources/hourly", "content-type": source["spec"]["contentType"]}
        self.broker.take(event, source["spec"]["data"].encode())
        self.wait("the schedule is heard", lambda: b'"schedule"' in self.decisions())

    def decisions(self):
        return self.deployment.pods["train-trigger"].container.ask("GET", "/decisions")[1]

    def events(self):
        """Each went to whom a Trigger names, and to nobody else."""
        taken = set(self.broker.taken)
        kinds = ["image.ingested", "training.requested", "model.trained", "model.evaluated", "release.changed"]
        self.assertEqual(taken, {*(f"io.pappus.{kind}" for kind in kinds), "dev.knative.sources.ping"})
        triggers = [(attributes["type"], name) for attributes, name in self.broker.triggers]
        self.assertEqual(self.broker.failed, [], self.deployment.logs())
        self.assertEqual(set(self.broker.delivered), {trigger for trigger in triggers if trigger[0] in taken})

    def training(self):
        """The Job that train-trigger made ended well, in a container that was held to its template."""
        node, cluster = self.deployment.node, self.deployment.cluster
        complete = lambda: [job["status"].get("succeeded") for job in cluster.all("jobs")] == [1]  # noqa: E731
        until(complete, pause=0.5)
        self.assertEqual(node.faults, [])
        if len(node.ended) != 1 or not complete():
            said = [f"{pod.name}: {state}\n{pod.container.logs()}" for pod, _, state in node.ended]
            self.fail("\n".join([cluster.kubectl("get", "jobs,pods"), *said, self.decisions().decode()]))
        ((pod, held, state),) = node.ended
        self.assertEqual(state["exitCode"], 0)
        self.held(pod, held)

    def tracked(self):
        url = f"{self.deployment.found['PAPPUS_TEST_MLFLOW']}/api/2.0/mlflow/registered-models/get?name=classifier"
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return answer.status == 200
        except OSError:
            return False

    def limits(self):
        """Nobody had more than the manifests give, and all of them end when they are asked to."""
        peaks = []
        for name, pod in self.deployment.pods.items():
            with self.subTest(name):
                self.assertTrue(pod.container.running(), pod.container.logs())
                self.assertTrue(pod.answers("livenessProbe") and pod.answers("readinessProbe"))
                self.held(pod, pod.held_to())
                peaks.append(f"{name} {pod.container.peak():.0f} of {pod.limits['memory'] / 1e6:.0f} MB")
                self.assertEqual(pod.unwell, [])
                self.assertEqual(pod.stop(), 0, pod.container.logs())
        told("at most resident:", ", ".join(peaks))

    def held(self, pod, held):
        wanted = {"users": {USER}, "rights": 0, "no new ones": True, "seccomp": True, "read-only root": True}
        self.assertEqual(held, wanted | {"memory": int(pod.limits["memory"])}, pod.name)
        self.assertFalse(pod.out_of_memory(), pod.name)
        for written, limit in pod.written():
            self.assertLessEqual(written, limit if limit is not None else written, pod.name)

    def failing(self):
        """Why there will be no release."""
        node = self.deployment.node
        return node.faults or "io.pappus.training.failed" in self.broker.taken or [end for *_, end in node.ended if end["exitCode"]]

    def wait(self, what, reached, patience=60):
        self.assertTrue(until(reached, patience), f"not so within {patience} s: {what}\n{self.deployment.logs()}")


