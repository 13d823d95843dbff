"""The loop, from an image that is put into the bucket to a prediction, through what the template deploys."""

import json
import pathlib
import tempfile
import unittest

import homes
import urls
from account import ACCOUNT, PLACE, REGION
from actions import gives, several
from callers import bearer, line
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


class Loop(unittest.TestCase):
    maxDiff = None

    def test_the_loop(self):
        team = Team(self)
        self.account = account = team.account
        # Who is let in is what test_callers.py is about; here somebody is.
        with tempfile.TemporaryDirectory(prefix="pappus-keys-") as folder:
            keys = pathlib.Path(folder) / "keys.txt"
            keys.write_text("".join(f"{line(role)}\n" for role in ("predict", "operate")))
            code, said = team.deploy("--yes", "--set", "UrlAccess=key", "--set", f"ApiKeys=@{keys}")
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

        with self.subTest("a schedule asks those who look again"):
            before = len(account.moved)
            account.tick(f"{STACK}-hourly")
            account.settle()
            asked = {("Scheduled Event", f"{STACK}-train-trigger"), ("Scheduled Event", f"{STACK}-promote")}
            self.assertEqual(set(account.moved[before:]), asked)
            decisions = self.ask("train-trigger", "GET", "/decisions")
            self.assertEqual(decisions["decisions"][0]["cause"], {"cause": "schedule"})
            self.assertEqual([self.waiting(name) for name in FUNCTIONS], [[]] * len(FUNCTIONS))
        release = self.ask("promote", "GET", "/release")["release"]
        champion = release["champion"]
        made = {}
        for label, files in pictures.items():
            photo = files[0].read_bytes()
            made[label] = self.ask("predict", "POST", "/predict", photo, "predict", **{"content-type": "image/jpeg"})
            self.assertEqual((made[label]["predicted_class"], made[label]["model_version"]), (label, champion))
        logged = account.client("dynamodb").scan(TableName=STACK)["Items"]
        logged = [row for row in logged if row["pk"]["S"].startswith("prediction/")]
        self.assertEqual(len(logged), len(pictures))
        self.operating(champion, made["grass"]["request_id"])

        code, said = team.deploy("status")
        self.assertEqual(code, 0, said)
        self.assertIn("predict: ready\n", said)
        for name in FUNCTIONS:
            with self.subTest(f"the rights of {name}"):
                self.assertEqual(self.unused(name), [])
        self.assertEqual((account.denied, account.faults), ([], []))
        self.refused()
        self.failing()

    def test_a_verdict_that_nobody_heard_of_is_found_by_the_schedule(self):
        team = Team(self)
        self.account = account = team.account
        code, said = team.deploy("--yes")
        self.assertEqual((code, account.faults), (0, []), said)
        events = account.client("events")
        events.disable_rule(Name=f"{STACK}-model-evaluated", EventBusName=STACK)
        self.ingest()
        released = lambda: urls.ask(account, f"{STACK}-promote", "GET", "/release", signed_by="operator")
        self.assertEqual(released(), (200, {"release": None}))
        events.enable_rule(Name=f"{STACK}-model-evaluated", EventBusName=STACK)
        account.tick(f"{STACK}-hourly")
        account.settle()
        status, told = released()
        self.assertEqual((status, told["release"]["generation"]), (200, 1), told)
        heard = {name for why, name in account.moved if why == "io.pappus.release.changed"}
        self.assertEqual(heard, {f"{STACK}-predict", f"{STACK}-notify"})
        # And again, where there is nothing to find.
        account.tick(f"{STACK}-hourly")
        account.settle()
        self.assertEqual(released(), (200, told))
        self.assertEqual((account.denied, account.faults), ([], []))
        self.assertEqual([self.waiting(name) for name in FUNCTIONS], [[]] * len(FUNCTIONS))

    def ingest(self):
        """Puts a hundred pictures into the bucket, and waits for what comes of it."""
        folder = homes.empty() / "hundred"
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

    def operating(self, champion, prediction):
        """What an operator asks for, its role lets each function do; and what follows goes as the rules say."""
        given = self.ask("predict", "POST", f"/predictions/{prediction}/feedback", b'{"label": "dandelion"}')
        self.assertEqual((given["predicted_class"], given["label"]), ("grass", "dandelion"))
        self.account.settle()
        told = {name for why, name in self.account.moved if why == "io.pappus.feedback.given"}
        self.assertEqual(told, {f"{STACK}-ingest", f"{STACK}-train-trigger"})
        judged = self.ask("evaluate", "POST", "/evaluate", json.dumps({"version": champion}).encode())
        self.assertTrue(judged["passed"])
        again = self.ask("promote", "POST", "/promote", json.dumps({"version": champion, "reason": "test"}).encode())
        self.assertEqual((again["moved"], again["release"]["champion"]), (False, champion))
        self.assertEqual(self.ask("predict", "POST", "/model/reload")["model_version"], champion)
        # Nothing listens there: a bad source is told of, and is no failure.
        sources = {"sources": [{"url": "http://127.0.0.1:9/leaf.jpg", "label": "grass"}]}
        self.assertEqual(self.ask("ingest", "POST", "/sources", json.dumps(sources).encode())["stored"], 0)
        self.account.settle()

    def ask(self, name, method, path, body=b"", role="operate", **headers):
        """What is answered to whoever has the key of a role."""
        headers = {"content-type": "application/json"} | bearer(role) | headers
        status, answer = urls.ask(self.account, f"{STACK}-{name}", method, path, body, **headers)
        self.assertEqual((status, self.account.denied), (200, []), answer)
        return answer

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
        entry = {"EventBusName": "another", "Detail": "{}", "DetailType": "0", "Source": "0"}
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
