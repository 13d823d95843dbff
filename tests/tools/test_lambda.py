"""Functions under cargo-lambda's emulator of AWS Lambda: the debug build of the other tests, under the emulator's API."""

import base64
import json
import re
import unittest

import homes
from emulator import Emulator, squeezed
from programs import EVENTS, Sink, event, function, up

UNKNOWN_VERSION = "there is no model version `3f2a91c04b7e`: `pappus models` lists those there are"


def timeless(event_):
    assert event_.pop("time"), event_
    return event_


class Events(unittest.TestCase):
    def setUp(self):
        self.emulator = Emulator()
        self.addCleanup(self.emulator.close)

    def invoke(self, name, file):
        return self.emulator.invoke_file(name, EVENTS / f"{file}.json")

    def test_ingest(self):
        home, dandelions, grasses = homes.empty(), *homes.pictures().values()
        self.emulator.start("ingest", home)
        self.assertIsNone(self.invoke("ingest", "s3-put"), "the object is not there yet")
        for file, key, picture in [
            ("s3-put", "incoming/dandelion/phone 1/löwenzahn+2.jpg", dandelions[0]),
            ("eventbridge-s3", "incoming/grass/after rain+1.jpg", grasses[0]),
            ("minio-webhook", "incoming/dandelion/1 of 2.jpg", dandelions[1]),
            ("cloudevent-s3-adapter", "incoming/grass/2.jpg", grasses[1]),
        ]:
            with self.subTest(file):
                image = homes.put(home, key, picture)
                for _ in range(2):
                    self.assertEqual(timeless(self.invoke("ingest", file)), homes.ingested(key, image))
        self.assertIsNone(self.invoke("ingest", "s3-test-event"))
        removed = "S3 events of kind `ObjectRemoved:Delete` are not taken: `ObjectCreated:*` are"
        self.assertEqual(self.invoke("ingest", "s3-removed"), ("Refused", squeezed(removed)))
        self.assertEqual(homes.pappus(home, "status")["images"]["labels"], {"dandelion": 2, "grass": 2})

    def test_ingest_from_a_queue(self):
        home, key = homes.empty(), "incoming/dandelion/1.jpg"
        sink = Sink()
        self.addCleanup(sink.close)
        self.emulator.start("ingest", home, K_SINK=sink.url)
        image = homes.put(home, key, homes.pictures()["dandelion"][2])
        failed = {"batchItemFailures": [{"itemIdentifier": "e2a3ff1f-3f7e-4b5f-8c55-2f3f4a5b6c7d"}]}
        self.assertEqual(self.invoke("ingest", "sqs-s3"), failed, "the message that is no JSON, and no other")
        wanted = homes.ingested(key, image)
        ((headers, body),) = sink.sent
        self.assertEqual((headers["ce-id"], headers["ce-type"]), (wanted["id"], wanted["type"]))
        self.assertEqual(json.loads(body), wanted["data"])

    def test_train_trigger(self):
        self.emulator.start("train-trigger", homes.filled())
        requested = timeless(self.invoke("train-trigger", "images-ingested"))
        request = requested["data"]["request"]
        run = request.pop("run")
        self.assertEqual((requested["type"], requested["subject"]), ("io.pappus.training.requested", run))
        wanted = {"model": "classifier", "recipe": "auto", "backbone": None, "normalisation": None, "seed": 0}
        wanted |= {"budget_seconds": None, "reason": request["reason"]}
        self.assertEqual(request, wanted)
        self.assertIn("80", request["reason"])
        request["run"] = run
        for file in ("images-ingested", "eventbridge-schedule", "alertmanager"):
            not_begun = f"run {run} has been asked for and is not begun: whether to train is decided again in a moment"
            self.assertEqual(self.invoke("train-trigger", file), ("Unavailable", squeezed(not_begun)))

    def test_no_reason_to_train(self):
        self.emulator.start("train-trigger", homes.empty())
        for file in ("images-ingested", "eventbridge-schedule", "alertmanager"):
            self.assertIsNone(self.invoke("train-trigger", file))

    def test_train_and_evaluate(self):
        home = homes.filled()
        for name in ("train-trigger", "train", "evaluate"):
            self.emulator.start(name, home)
        no_run = "there is no run 019a9f10-2c4b-7a11-8e3d-4f5a6b7c8d9e: `pappus runs` lists those there are"
        self.assertEqual(self.invoke("train", "training-requested"), ("Refused", squeezed(no_run)))
        requested = self.invoke("train-trigger", "images-ingested")
        trained = self.emulator.invoke("train", requested)
        again = self.emulator.invoke("train", requested)
        self.assertEqual(timeless(trained), timeless(again), "a run is done once")
        run = requested["subject"]
        self.assertEqual((trained["type"], trained["data"]["run"]), ("io.pappus.model.trained", run))
        evaluated = timeless(self.emulator.invoke("evaluate", trained))
        self.assertEqual(evaluated["type"], "io.pappus.model.evaluated")
        judged, version = evaluated["data"], trained["data"]["version"]
        self.assertEqual((judged["model"], judged["version"], len(judged["data_set"])), ("classifier", version, 64))

    def test_evaluate_what_is_not_there(self):
        self.emulator.start("evaluate", homes.empty())
        for file in ("cloudevent-structured", "eventbridge-pappus"):
            self.assertEqual(self.invoke("evaluate", file), ("Refused", squeezed(UNKNOWN_VERSION)))
        self.assertIsNone(self.invoke("evaluate", "kafka-cloudevent"), "a poisoned record is passed over")

    def test_promote(self):
        home = homes.released()
        self.emulator.start("promote", home)
        before = homes.pappus(home, "status")
        self.assertIsNone(self.invoke("promote", "model-evaluated"), "it did not pass")
        passed = event("model-evaluated")
        passed["data"]["passed"] = True
        self.assertEqual(self.emulator.invoke("promote", passed), ("Refused", squeezed(UNKNOWN_VERSION)))
        champion = before["release"]["champion"]
        passed["data"]["version"] = champion
        changed = timeless(self.emulator.invoke("promote", passed))
        self.assertEqual(changed["type"], "io.pappus.release.changed")
        self.assertEqual(changed["data"], {"model": "classifier", "generation": 1, "champion": champion})
        self.assertEqual(homes.pappus(home, "status"), before)

    def test_predict(self):
        home = homes.released()
        self.emulator.start("predict", home)
        self.assertIsNone(self.invoke("predict", "release-changed"))
        self.assertIsNone(self.invoke("predict", "kafka-image"), "a record that is one pixel is passed over")
        info = self.invoke("predict", "function-url-info")
        self.assertEqual((info["statusCode"], info["isBase64Encoded"]), (200, False))
        champion = homes.pappus(home, "status")["release"]["champion"]
        self.assertEqual(json.loads(info["body"])["model_version"], champion)
        small = self.invoke("predict", "function-url-predict")
        self.assertEqual(small["statusCode"], 400)
        self.assertIn("1×1", json.loads(small["body"])["detail"])

    def test_predict_without_a_model(self):
        self.emulator.start("predict", homes.empty())
        self.assertEqual(self.emulator.ask("predict", "GET", "/health/live")[0], 200)
        picture = homes.pictures()["grass"][0].read_bytes()
        status, _, body = self.emulator.ask("predict", "POST", "/predict", {"content-type": "image/jpeg"}, picture)
        detail = "no model is released yet: train one with `pappus train`, then `pappus evaluate` and `pappus promote` it"
        self.assertEqual((status, json.loads(body)), (503, {"detail": detail}))
        self.assertEqual(self.emulator.ask("predict", "GET", "/health/ready")[0], 503)


# What differs from one time to the next.
VOLATILE = re.compile(
    rb'"(request_id|batch_id|id|subject|prediction_time_ms|latency_us|timestamp|model_loaded_at|time|at)":("[^"]*"|[0-9.e-]+)'
)


def lasting(answer):
    status, headers, body = answer
    return status, headers.get("content-type"), VOLATILE.sub(rb'"\1":?', body)


class Hosts(unittest.TestCase):
    def test_every_host_gives_the_same_bytes(self):
        home, picture = homes.released(), homes.pictures()["dandelion"][0].read_bytes()
        image = {"content-type": "image/jpeg"}
        form = {"content-type": "multipart/form-data; boundary=limit"}
        head = b'--limit\r\ncontent-disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'
        asks = {"ce-specversion": "1.0", "ce-id": "7", "ce-source": "/camera", "ce-type": "com.example.photo"}
        data = {"datacontenttype": "image/jpeg", "data_base64": base64.b64encode(picture).decode()}
        attributes = {name.removeprefix("ce-"): value for name, value in asks.items()}
        structured = json.dumps(attributes | data)
        emulator = Emulator()
        self.addCleanup(emulator.close)
        emulator.start("predict", home)
        alone, together = function(home, "predict"), up(home)
        self.addCleanup(alone.close)
        self.addCleanup(together.close)
        for status, *request in [
            (200, "GET", "/model/info"),
            (200, "POST", "/predict", image, picture),
            (200, "POST", "/predict", form, head + picture + b"\r\n--limit--\r\n"),
            (200, "POST", "/events", image | asks, picture),
            (200, "POST", "/", {"content-type": "application/cloudevents+json"}, structured),
            (400, "POST", "/predict", image, b"no image"),
            (415, "POST", "/predict", {"content-type": "text/plain"}, "no image"),
            (400, "POST", "/events", {"content-type": "application/json"}, "{}"),
            (404, "GET", "/nowhere"),
            (405, "GET", "/predict"),
        ]:
            with self.subTest(request=request[:2]):
                by_itself = lasting(alone.ask(*request))
                self.assertEqual(by_itself[0], status)
                self.assertEqual(lasting(together.ask(*request)), by_itself)
                by_lambda = lasting(emulator.ask("predict", *request))
                if request[1] in ("/events", "/"):
                    # Over a function URL events are for operators, whom IAM or a key tells: tests/tests/hosts.rs.
                    self.assertEqual(by_lambda[0], 403)
                    self.assertIn(b"is for operators", by_lambda[2])
                else:
                    self.assertEqual(by_lambda, by_itself)
        direct = emulator.invoke("predict", json.loads(structured))
        self.assertEqual((direct["data"]["asked_by"], direct["data"]["asked_as"]), ("/camera", "7"))
        self.assertEqual(direct["data"]["prediction"]["class"], "dandelion")
