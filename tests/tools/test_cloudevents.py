"""CloudEvents as the Python SDK sends and reads them."""

import datetime
import unittest

import homes
from cloudevents.core.bindings.http import HTTPMessage, from_http_event, to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent
from programs import event, function

MODES = {"binary": to_binary_event, "structured": to_structured_event}
TIME = datetime.datetime(2026, 11, 20, 9, 15, 30, tzinfo=datetime.timezone.utc)
# What a header cannot hold, and what must be escaped where it could.
UNICODE = 'löwenzahn €😀 "50%" a,b'


def sent(server, message):
    """Status and event of the answer."""
    status, headers, body = server.ask("POST", "/events", message.headers, message.body)
    if status != 200:
        return status, body
    return status, from_http_event(HTTPMessage(headers=headers, body=body))


class ToIngest(unittest.TestCase):
    def test_an_object(self):
        home = homes.empty()
        server = function(home, "ingest")
        self.addCleanup(server.close)
        entity = {"s3": event("cloudevent-s3-adapter")["data"]["s3"]}
        for (mode, as_message), picture in zip(MODES.items(), homes.pictures()["grass"]):
            with self.subTest(mode):
                entity["s3"]["object"]["key"] = key = f"incoming/grass/{mode} löwe €.jpg"
                attributes = {
                    "id": f"{mode}-{UNICODE}",
                    "source": "arn:aws:s3:::plants",
                    "type": "com.amazonaws.s3.ObjectCreated:Put",
                    "subject": key,
                    "time": TIME,
                    "datacontenttype": "application/json",
                }
                image = homes.put(home, key, picture)
                status, answer = sent(server, as_message(CloudEvent(attributes, entity)))
                self.assertEqual(status, 200, answer)
                wanted = homes.ingested(key, image)
                self.assertEqual(answer.get_data(), wanted.pop("data"))
                told = answer.get_attributes()
                self.assertEqual(told.pop("time").tzinfo.utcoffset(None), datetime.timedelta(0))
                self.assertEqual(told, wanted)
        self.assertEqual(homes.pappus(home, "status")["images"]["labels"], {"grass": 2})


class ToPredict(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = function(homes.released(), "predict")
        cls.addClassCleanup(cls.server.close)

    def test_an_image(self):
        picture = homes.pictures()["dandelion"][0].read_bytes()
        attributes = {
            "id": UNICODE,
            "source": f"/kamera/{UNICODE}",
            "type": "com.example.photo",
            "subject": UNICODE,
            "time": TIME,
            "datacontenttype": "image/jpeg",
            "place": UNICODE,
        }
        answers = []
        for mode, as_message in MODES.items():
            with self.subTest(mode):
                status, answer = sent(self.server, as_message(CloudEvent(attributes, picture)))
                self.assertEqual(status, 200, answer)
                # The SDK has checked the attributes that every event must have.
                self.assertEqual((answer.get_source(), answer.get_type()), ("/pappus/predict", "io.pappus.prediction.made"))
                self.assertEqual(answer.get_datacontenttype(), "application/json")
                data = answer.get_data()
                self.assertEqual((data["asked_by"], data["asked_as"]), (attributes["source"], UNICODE))
                self.assertEqual(data["prediction"]["class"], "dandelion")
                answers.append(data["prediction"]["id"])
        self.assertEqual(len(set(answers)), 1, "the same event is the same prediction, however it is sent")

    def test_json(self):
        told = event("release-changed")
        data = told.pop("data")
        told["time"] = TIME
        for mode, as_message in MODES.items():
            with self.subTest(mode):
                self.assertEqual(sent(self.server, as_message(CloudEvent(told, data))), (204, b""))
                unknown = CloudEvent(told | {"type": "com.example.other"}, data)
                self.assertEqual(sent(self.server, as_message(unknown))[0], 400)

    def test_without_a_required_attribute(self):
        told = event("release-changed") | {"time": TIME}
        data = told.pop("data")
        for name in ("id", "source", "type", "specversion"):
            message = to_binary_event(CloudEvent(told, data))
            del message.headers[f"ce-{name}"]
            status, body = sent(self.server, message)
            self.assertEqual(status, 400)
            self.assertIn(f"`ce-{name}` of a CloudEvent is missing", body.decode())
