"""The loop, from an image that is put into the bucket to a prediction, through what the template deploys."""

import base64
import json
import unittest

import homes
from account import ACCOUNT, PLACE, REGION
from actions import gives, several
from deployments import FUNCTIONS, STACK, Team

BUCKET = f"{STACK}-{ACCOUNT}-{REGION}"
# What AWS itself does in the name of a function: it writes its log, and fills its queue.
BY_AWS = {"logs:CreateLogStream", "logs:PutLogEvents", "sqs:SendMessage"}
# Rights that this loop has no need of: the function, the action and the end of the resource, and what needs it.
SELDOM = {
    ("evaluate", "s3:DeleteObject", "/evaluations/*"): "a plot of an earlier evaluation, where the new one cannot be drawn",
    ("train-trigger", "dynamodb:BatchWriteItem", f"/{STACK}"): "decisions that are older than the policy keeps them",
    ("predict", "dynamodb:Query", f"/{STACK}"): "predictions that are older than PredictionsDays",
    ("predict", "dynamodb:Query", "/index/*"): "the same",
    ("notify", "dynamodb:Query", f"/{STACK}"): "a message that somebody is to be sent: nobody is here",
    ("notify", "dynamodb:Query", "/index/*"): "the same",
    ("notify", "s3:PutObject", "/notifications/*"): "the same",
}
# The end of an upload in parts that fails; small objects go in one.
PARTS = "s3:AbortMultipartUpload"


def request(method, path, body=b"", **headers):
    """What a function URL brings."""
    context = {"http": {"method": method, "path": path}}
    asked = {"version": "2.0", "rawPath": path, "rawQueryString": "", "headers": headers, "requestContext": context}
    return asked | {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}


class Loop(unittest.TestCase):
    maxDiff = None

    def test_the_loop(self):
        team = Team(self)
        self.account = account = team.account
        code, said = team.deploy("--yes")
        self.assertEqual((code, account.faults), (0, []), said)
        self.assertIn("predict: ready for a first model", said)

        pictures = self.ingest()
        with self.subTest("the events went as the rules say"):
            self.assertEqual((account.denied, account.faults), ([], []))
            moved = {(why, name.removeprefix(f"{STACK}-")) for why, name in account.moved}
            wanted = {("ObjectCreated:Put", "ingest"), ("io.pappus.image.ingested", "train-trigger")}
            wanted |= {("io.pappus.training.requested", "train-trigger"), ("invoked", "train")}
            wanted |= {("io.pappus.model.trained", name) for name in ("evaluate", "train-trigger")}
            wanted |= {("io.pappus.model.evaluated", name) for name in ("promote", "notify")}
            wanted |= {("io.pappus.release.changed", name) for name in ("predict", "notify")}
            self.assertEqual(moved, wanted)
            self.assertEqual([self.waiting(name) for name in FUNCTIONS], [[]] * len(FUNCTIONS))

        account.tick(f"{STACK}-hourly")
        account.settle()
        self.assertEqual(account.moved[-1], ("Scheduled Event", f"{STACK}-train-trigger"))
        _, decisions = self.ask("train-trigger", request("GET", "/decisions"))
        self.assertEqual(decisions["decisions"][0]["cause"], {"cause": "schedule"})
        _, told = self.ask("promote", request("GET", "/release"))
        champion = told["release"]["champion"]
        for label, files in pictures.items():
            photo = request("POST", "/predict", files[0].read_bytes(), **{"content-type": "image/jpeg"})
            status, made = self.ask("predict", photo)
            self.assertEqual((status, made["predicted_class"], made["model_version"]), (200, label, champion), made)
        logged = account.client("dynamodb").scan(TableName=STACK)["Items"]
        logged = [row for row in logged if row["pk"]["S"].startswith("prediction/")]
        self.assertEqual(len(logged), len(pictures))

        code, said = team.deploy("status")
        self.assertEqual(code, 0, said)
        self.assertIn("predict: ready\n", said)
        for name in FUNCTIONS:
            with self.subTest(f"the rights of {name}"):
                self.assertEqual(self.unused(name), [])
        self.assertEqual((account.denied, account.faults), ([], []))
        self.refused()
        self.failing()

    def ingest(self):
        """Puts a hundred pictures into the bucket, and waits for what comes of it."""
        folder = homes.ROOT / "hundred"
        homes.pappus(homes.ROOT / "unused", "sample", folder, "--count", "50")
        pictures = {label: sorted((folder / label).iterdir()) for label in ("dandelion", "grass")}
        bucket = self.account.client("s3", self.account.url)
        # Who decides whether to train hears of all of them together: else the training begins with the first fifty.
        with self.account.held(f"{STACK}-train-trigger"):
            for label, files in pictures.items():
                for file in files:
                    bucket.put_object(Bucket=BUCKET, Key=f"incoming/{label}/{file.name}", Body=file.read_bytes())
            self.account.settle(but=f"{STACK}-train-trigger")
        self.account.settle()
        return pictures

    def ask(self, name, asked):
        answer, failed = self.account.invoke(f"{STACK}-{name}", asked)
        self.assertFalse(failed, answer)
        return answer["statusCode"], json.loads(answer["body"])

    def waiting(self, name):
        """What waits in a function's queue."""
        sqs = self.account.client("sqs")
        url = sqs.get_queue_url(QueueName=f"{STACK}-{name}-failures")["QueueUrl"]
        return [message["Body"] for message in sqs.receive_message(QueueUrl=url).get("Messages", [])]

    def unused(self, name):
        """The rights in a function's role that it has not used, and that nothing seldom needs."""
        used = self.account.used[f"{STACK}-{name}"]
        unused = []
        for statement in self.account.policies(f"{STACK}-{name}"):
            for action in several(statement["Action"]):
                for resource in several(statement["Resource"]):
                    one = [{"Effect": "Allow", "Action": action, "Resource": resource}]
                    seldom = any((name, action) == of[:2] and resource.endswith(of[2]) for of in SELDOM)
                    if not seldom and action not in BY_AWS | {PARTS} and not any(gives(one, *each) for each in used):
                        unused.append((action, resource))
        return unused

    def refused(self):
        """A right that a role lacks is one that the function has not: the account holds them to their roles."""
        import boto3
        from botocore.exceptions import ClientError

        keys = {"aws_access_key_id": f"role.{STACK}-predict", "aws_secret_access_key": "role", "aws_session_token": "role"}
        entry = {"EventBusName": STACK, "Detail": "{}", "DetailType": "0", "Source": "0"}
        client = lambda service: boto3.client(service, endpoint_url=self.account.url, region_name=REGION, **keys)
        for asked in (
            lambda: client("s3").put_object(Bucket=BUCKET, Key="images/0", Body=b"0"),
            lambda: client("s3").get_object(Bucket=f"{STACK}-code-{ACCOUNT}-{REGION}", Key="0"),
            lambda: client("dynamodb").scan(TableName=STACK),
            lambda: client("dynamodb").get_item(TableName="another", Key={"pk": {"S": "0"}, "sk": {"S": "0"}}),
            lambda: client("events").put_events(Entries=[entry]),
            lambda: client("lambda").invoke(FunctionName=f"{STACK}-train", Payload=b"{}"),
        ):
            with self.assertRaisesRegex(ClientError, "AccessDenied"):
                asked()
        self.assertEqual({who for who, _, _ in self.account.denied}, {f"{STACK}-predict"})
        train = f"arn:aws:lambda:{PLACE}:function:{STACK}-train"
        self.assertIn((f"{STACK}-predict", "lambda:InvokeFunction", train), self.account.denied)

    def failing(self):
        """What a function cannot do, however often, waits in its queue as it came."""
        nonsense = {"nothing": "that is known"}
        self.account.invoke_later(f"{STACK}-evaluate", nonsense, "nonsense")
        self.account.settle()
        self.assertEqual([json.loads(body) for body in self.waiting("evaluate")], [nonsense])
