"""Functions joined by EventBridge and SQS, as moto plays them."""

import base64
import json
import unittest

import homes
from emulator import Emulator
from programs import Program, environment, event, eventually, free_port, function, tool

REGION = "eu-west-3"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true"}


class EventBridge(unittest.TestCase):
    def setUp(self):
        import boto3

        port = free_port()
        moto = Program([tool("moto_server"), "--host", "127.0.0.1", "--port", port], environment(**CREDENTIALS))
        self.addCleanup(moto.close)
        moto.listens_on(port)
        self.endpoint = f"http://127.0.0.1:{port}"
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": REGION}
        self.events = boto3.client("events", endpoint_url=self.endpoint, **keys)
        self.sqs = boto3.client("sqs", endpoint_url=self.endpoint, **keys)
        self.events.create_event_bus(Name="plants")

    def queue(self, name, pattern):
        """A queue that a rule of the bus fills."""
        url = self.sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        self.events.put_rule(Name=name, EventBusName="plants", EventPattern=json.dumps(pattern))
        self.events.put_targets(Rule=name, EventBusName="plants", Targets=[{"Id": name, "Arn": arn}])
        return url, arn

    def batch(self, queue):
        """The next message of a queue, as Lambda's event source mapping brings it."""
        url, arn = queue
        receive = lambda: self.sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1).get("Messages")
        (message,) = eventually(f"a message in {url}", receive)
        record = {"messageId": message["MessageId"], "receiptHandle": message["ReceiptHandle"], "body": message["Body"]}
        record |= {"attributes": {}, "messageAttributes": {}, "md5OfBody": message["MD5OfBody"]}
        return {"Records": [record | {"eventSource": "aws:sqs", "eventSourceARN": arn, "awsRegion": REGION}]}

    def variables(self):
        return {"PAPPUS_EVENTS": f"eventbridge://plants?endpoint={self.endpoint}&region={REGION}", **CREDENTIALS}

    def function(self, home, name):
        server = function(home, name, **self.variables())
        self.addCleanup(server.close)
        return server

    def test_from_ingest_over_the_bus_to_train_trigger(self):
        ingested = self.queue("ingested", {"source": ["pappus.ingest"]})
        requested = self.queue("requested", {"detail-type": ["io.pappus.training.requested"]})
        home = homes.filled()
        ingest, trigger = self.function(home, "ingest"), self.function(home, "train-trigger")
        json_ = {"content-type": "application/json"}

        key = "incoming/dandelion/phone 1/löwenzahn+2.jpg"
        image = homes.put(home, key, homes.pictures()["dandelion"][0])
        status, _, body = ingest.ask("POST", "/events", json_, json.dumps(event("s3-put")))
        self.assertEqual((status, body), (204, b""), "it is published, not answered")
        batch = self.batch(ingested)
        told = json.loads(batch["Records"][0]["body"])
        wanted = homes.ingested(key, image)
        self.assertEqual((told["source"], told["detail-type"]), ("pappus.ingest", wanted["type"]))
        wanted["time"] = told["detail"]["time"]
        self.assertEqual(told["detail"], wanted, "the detail is the whole CloudEvent")

        status, _, body = trigger.ask("POST", "/events", json_, json.dumps(batch))
        self.assertEqual((status, json.loads(body)), (200, {"batchItemFailures": []}))
        detail = json.loads(self.batch(requested)["Records"][0]["body"])["detail"]
        self.assertEqual((detail["source"], detail["type"]), ("/pappus/train-trigger", "io.pappus.training.requested"))

    def test_a_bus_that_is_not_there_is_the_sender_s_to_try_again(self):
        self.events.delete_event_bus(Name="plants")
        home = homes.empty()
        ingest = self.function(home, "ingest")
        homes.put(home, "incoming/dandelion/phone 1/löwenzahn+2.jpg", homes.pictures()["dandelion"][0])
        request = "POST", "/events", {"content-type": "application/json"}, json.dumps(event("s3-put"))
        status, _, body = ingest.ask(*request)
        self.assertEqual(status, 503)
        self.assertIn("EventBridge bus `plants`", json.loads(body)["detail"])
        # Nothing is lost: what comes again is published, though the image is known.
        self.events.create_event_bus(Name="plants")
        ingested = self.queue("ingested", {"source": ["pappus.ingest"]})
        self.assertEqual(ingest.ask(*request)[0], 204)
        self.assertEqual(len(self.batch(ingested)["Records"]), 1)

    def test_an_image_that_kafka_brings_to_lambda_is_answered_on_the_bus(self):
        made = self.queue("made", {"detail-type": ["io.pappus.prediction.made"]})
        home, emulator = homes.released(), Emulator()
        self.addCleanup(emulator.close)
        emulator.start("predict", home, **self.variables())
        batch = event("kafka-image")
        picture = homes.pictures()["dandelion"][0].read_bytes()
        batch["records"]["cameras-1"][0]["value"] = base64.b64encode(picture).decode()
        predictions = []
        for _ in range(2):
            self.assertIsNone(emulator.invoke("predict", batch), "the event source mapping hears no answer")
            detail = json.loads(self.batch(made)["Records"][0]["body"])["detail"]
            self.assertEqual((detail["source"], detail["type"]), ("/pappus/predict", "io.pappus.prediction.made"))
            data = detail["data"]
            self.assertEqual((data["asked_by"], data["asked_as"]), ("kafka:cameras", "partition:1/offset:7"))
            predictions.append(data["prediction"])
        self.assertEqual(predictions[0], predictions[1], "the same record is the same prediction")
        self.assertEqual(predictions[0]["class"], "dandelion")
        self.assertEqual(homes.pappus(home, "why", predictions[0]["id"])["prediction"], predictions[0])
