"""The servers that scripts/services brings up: they are real, keep what they were given, and end when told to."""

import json
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import unittest
import urllib.parse

from programs import TARGET, TOP, Sink, ask, environment, eventually

SCRIPT = TOP / "scripts/services"
# Long enough to build a server that is not there yet.
PATIENCE = 1800


def services(*arguments, check=True, **variables):
    """What the script says, and how it ends."""
    variables = environment(**{"CARGO_TARGET_DIR": TARGET} | variables)
    command = [str(argument) for argument in (SCRIPT, *arguments)]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False, timeout=PATIENCE)
    if check and done.returncode:
        raise AssertionError(f"{command} ended with {done.returncode}: {done.stderr}")
    return done


def settings(lines):
    """Variables, of `export NAME='value'` and comments."""
    found = {}
    for line in lines.splitlines():
        if not line.startswith("# "):
            name, value = re.fullmatch(r"export (\w+)='([^']*)'", line).groups()
            found[name] = value
    return found


class Folder:
    """Services of a test's own."""

    def __init__(self, test):
        self._made = tempfile.TemporaryDirectory(prefix="pappus-services-")
        self.path = pathlib.Path(self._made.name) / "services"
        test.addCleanup(self._made.cleanup)
        test.addCleanup(self.do, "stop")

    def do(self, command, *arguments, **options):
        return services(command, "--at", self.path, *arguments, **options)

    def start(self, name, *arguments, **options):
        """The settings of a service, and skips the test if it cannot be had."""
        done = self.do("start", *arguments, name, check=False, **options)
        if done.returncode == 3:
            raise unittest.SkipTest(done.stderr.strip().splitlines()[-1].removeprefix("skipped: "))
        if done.returncode:
            raise AssertionError(f"{name} did not start: {done.stderr}")
        variables = settings(done.stdout)
        if "PAPPUS_S3_SERVER" in variables:
            raise unittest.SkipTest("MinIO cannot be built here, and what takes its place keeps nothing")
        return variables

    def status(self, name):
        """Its state, its process and its address."""
        told, *rest = self.do("status", name).stdout.split()
        assert told == name
        return rest


class Services(unittest.TestCase):
    def setUp(self):
        self.folder = Folder(self)

    def comes_back(self, name, first, endings=("kill", "stop")):
        """Ended as by a crash, and as asked for: each time the same port and the same settings."""
        state, process, address = self.folder.status(name)
        self.assertEqual(state, "running")
        os.kill(int(process), 0)
        self.assertRegex(self.folder.do("version", name).stdout, r"^[A-Za-z]+ v?[0-9]\S+\n$")
        for ending in endings:
            self.folder.do(ending, name)
            self.assertEqual(self.folder.do("version", name).stdout, "")
            self.assertEqual(self.folder.status(name), ["stopped", "-", address])
            self.assertEqual(self.folder.do("settings", name, check=False).returncode, 1)
            self.assertEqual(self.folder.start(name), first)
            self.assertEqual(settings(self.folder.do("settings", name).stdout), first)
            state, again, same = self.folder.status(name)
            self.assertEqual((state, same), ("running", address))
            self.assertNotEqual(again, process)
            # One that runs is left.
            self.assertEqual(self.folder.start(name), first)
            self.assertEqual(self.folder.status(name)[1], again)

    def keeps_to_itself(self, name, *secrets):
        """Its folder is nobody else's, and its log and its command tell no secrets."""
        self.assertEqual(self.folder.path.stat().st_mode & 0o077, 0)
        process = self.folder.status(name)[1]
        for file in (self.folder.path / name / "log", pathlib.Path("/proc", process, "cmdline")):
            for secret in secrets:
                self.assertNotIn(secret.encode(), file.read_bytes())

    def aws(self, setting, variables):
        """A client of what a setting names, with the keys beside it."""
        import boto3

        url = urllib.parse.urlsplit(variables[setting])
        query = dict(urllib.parse.parse_qsl(url.query))
        self.assertEqual(url.netloc, "pappus")
        keys = variables["AWS_ACCESS_KEY_ID"], variables["AWS_SECRET_ACCESS_KEY"]
        where = {"endpoint_url": query["endpoint"], "region_name": query["region"]}
        return boto3.client(url.scheme, aws_access_key_id=keys[0], aws_secret_access_key=keys[1], **where)

    def s3(self, variables):
        return self.aws("PAPPUS_OBJECTS", variables)

    def test_mariadb(self):
        import pymysql

        variables = self.folder.start("mariadb")
        url = urllib.parse.urlsplit(variables["PAPPUS_CATALOG"])
        self.assertEqual(variables, {"PAPPUS_CATALOG": url.geturl(), "PAPPUS_TEST_MYSQL": url.geturl()})
        self.assertEqual((url.scheme, url.username, url.path), ("mysql", "pappus", "/pappus"))

        def query(statement):
            account = {"user": url.username, "password": url.password, "database": url.path[1:]}
            with pymysql.connect(host=url.hostname, port=url.port, autocommit=True, **account) as connection:
                with connection.cursor() as cursor:
                    cursor.execute(statement)
                    return cursor.fetchall()

        query("CREATE TABLE plants (name VARCHAR(40)) CHARACTER SET utf8mb4")
        query("INSERT INTO plants VALUES ('löwenzahn 🌼')")
        self.comes_back("mariadb", variables)
        self.assertEqual(query("SELECT name FROM plants"), (("löwenzahn 🌼",),))
        # A test has a database of its own, and no other.
        query("CREATE DATABASE pappus_one")
        query("DROP DATABASE pappus_one")
        for other in ("other", "pappusone"):
            with self.assertRaises(pymysql.err.OperationalError):
                query(f"CREATE DATABASE {other}")
        self.keeps_to_itself("mariadb", url.password)

    def test_minio(self):
        variables = self.folder.start("minio")
        expected = {"PAPPUS_OBJECTS", "PAPPUS_TEST_S3", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
        self.assertEqual(set(variables), expected)
        s3 = self.s3(variables)
        s3.put_object(Bucket="pappus", Key="images/löwenzahn 1.jpg", Body=b"a picture")
        self.comes_back("minio", variables)
        self.assertEqual(s3.get_object(Bucket="pappus", Key="images/löwenzahn 1.jpg")["Body"].read(), b"a picture")
        self.keeps_to_itself("minio", variables["AWS_ACCESS_KEY_ID"], variables["AWS_SECRET_ACCESS_KEY"])

    def test_minio_tells_of_what_comes_in_though_it_was_killed(self):
        sink = Sink()
        self.addCleanup(sink.close)
        variables = self.folder.start("minio")
        process = self.folder.status("minio")[1]
        self.assertEqual(self.folder.start("minio", "--notify", sink.url), variables)
        self.assertNotEqual(self.folder.status("minio")[1], process, "it started again, to tell this URL")
        s3 = self.s3(variables)
        s3.put_object(Bucket="pappus", Key="incoming/grass/one.jpg", Body=b"first")
        eventually("the first event", lambda: sink.sent)
        self.folder.do("kill", "minio")
        self.folder.start("minio")
        s3.put_object(Bucket="pappus", Key="other/one.jpg", Body=b"not told")
        s3.put_object(Bucket="pappus", Key="incoming/grass/two.jpg", Body=b"second")
        told = lambda: {body for _, body in sink.sent if b"two.jpg" in body}
        eventually("the second event", told)
        self.assertFalse([body for _, body in sink.sent if b"not told" in body or b"other" in body])

    def test_minio_keeps_objects_where_it_is_told(self):
        with tempfile.TemporaryDirectory() as disk:
            variables = self.folder.start("minio", PAPPUS_MINIO_DATA=disk)
            self.s3(variables).put_object(Bucket="pappus", Key="one", Body=b"here")
            self.assertTrue(pathlib.Path(disk, "pappus/one").exists())
            self.folder.do("kill", "minio")
            self.assertEqual(self.folder.start("minio"), variables)
            self.assertEqual(self.s3(variables).get_object(Bucket="pappus", Key="one")["Body"].read(), b"here")
            self.folder.do("stop", "minio")

    def test_dynamodb(self):
        variables = self.folder.start("dynamodb")
        expected = {"PAPPUS_CATALOG", "PAPPUS_TEST_DYNAMODB", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
        self.assertEqual(set(variables), expected)
        dynamodb = self.aws("PAPPUS_CATALOG", variables)
        keys = {"KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}]}
        keys["AttributeDefinitions"] = [{"AttributeName": "id", "AttributeType": "S"}]
        dynamodb.create_table(TableName="pappus", BillingMode="PAY_PER_REQUEST", **keys)
        item = {"id": {"S": "löwenzahn 🌼"}, "count": {"N": "1"}}
        absent = {"ConditionExpression": "attribute_not_exists(id)"}
        dynamodb.put_item(TableName="pappus", Item=item, **absent)
        self.comes_back("dynamodb", variables)
        told = dynamodb.get_item(TableName="pappus", Key={"id": item["id"]}, ConsistentRead=True)
        self.assertEqual(told["Item"], item)
        with self.assertRaises(dynamodb.exceptions.ConditionalCheckFailedException):
            dynamodb.put_item(TableName="pappus", Item=item, **absent)
        self.keeps_to_itself("dynamodb", variables["AWS_ACCESS_KEY_ID"], variables["AWS_SECRET_ACCESS_KEY"])

    def test_mlflow(self):
        variables = self.folder.start("mlflow")
        self.assertEqual(set(variables), {"PAPPUS_TRACKING", "PAPPUS_TEST_MLFLOW"})
        port = urllib.parse.urlsplit(variables["PAPPUS_TRACKING"]).port

        def say(method, path, **body):
            body = json.dumps(body) if method != "GET" else None
            status, _, answer = ask(port, method, f"/api/2.0/mlflow/{path}", {"content-type": "application/json"}, body)
            self.assertEqual(status, 200, answer)
            return json.loads(answer)

        experiment = say("POST", "experiments/create", name="plants 🌼")["experiment_id"]
        run = say("POST", "runs/create", experiment_id=experiment, start_time=1)["run"]["info"]["run_id"]
        metric = {"key": "accuracy", "value": 0.97, "timestamp": 2, "step": 0}
        say("POST", "runs/log-batch", run_id=run, metrics=[metric], params=[{"key": "seed", "value": "7"}])
        say("POST", "registered-models/create", name="classifier")
        version = say("POST", "model-versions/create", name="classifier", source=f"runs:/{run}/model", run_id=run)
        self.assertEqual(version["model_version"]["version"], "1")
        say("POST", "registered-models/alias", name="classifier", alias="champion", version="1")
        artifact = f"/api/2.0/mlflow-artifacts/artifacts/{experiment}/{run}/artifacts/model/manifest.json"
        self.assertEqual(ask(port, "PUT", artifact, body=b"{}")[0], 200)

        self.comes_back("mlflow", variables, endings=["kill"])
        data = say("GET", f"runs/get?run_id={run}")["run"]["data"]
        self.assertEqual([metric["value"] for metric in data["metrics"]], [0.97])
        champion = say("GET", "registered-models/alias?name=classifier&alias=champion")
        self.assertEqual(champion["model_version"]["run_id"], run)
        status, _, body = ask(port, "GET", artifact)
        self.assertEqual((status, body), (200, b"{}"))
        self.keeps_to_itself("mlflow")
        if self.folder.status("minio")[0] == "running":
            there = settings(self.folder.do("settings", "minio").stdout)
            kept = self.s3(there).list_objects_v2(Bucket="mlflow")["Contents"]
            self.assertEqual([object_["Key"] for object_ in kept], [artifact.split("/artifacts/", 1)[1]])
            self.keeps_to_itself("mlflow", there["AWS_SECRET_ACCESS_KEY"])
        if self.folder.status("mariadb")[0] == "running":
            password = (self.folder.path / "mariadb/mlflow.password").read_text().strip()
            self.keeps_to_itself("mlflow", password)

    def test_of_two_catalogs_the_first_is_set_and_keys_are_one_pair(self):
        for name in ("mariadb", "minio", "dynamodb"):
            self.folder.start(name)
        told = self.folder.do("start", "mariadb", "minio", "dynamodb").stdout
        variables = settings(told)
        self.assertEqual(variables["PAPPUS_CATALOG"], variables["PAPPUS_TEST_MYSQL"])
        self.assertIn(f"# export PAPPUS_CATALOG='{variables['PAPPUS_TEST_DYNAMODB']}'\n", told)
        self.assertEqual(told.count("AWS_ACCESS_KEY_ID="), 1)
        self.assertEqual(told.count("AWS_SECRET_ACCESS_KEY="), 1)

    def test_one_that_does_not_answer_is_ended(self):
        version = re.search(r"^version=(.*)$", (TOP / "scripts/service/minio").read_text(), re.MULTILINE)[1]
        with tempfile.TemporaryDirectory() as target:
            program = pathlib.Path(target, "services", f"minio-{version}")
            program.parent.mkdir()
            program.write_text("#!/bin/sh\necho 'it has no mind to'\nexit 1\n")
            program.chmod(0o755)
            done = self.folder.do("start", "minio", check=False, CARGO_TARGET_DIR=target)
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertIn("minio did not start: it ended", done.stderr)
            self.assertIn("it has no mind to", done.stderr)
            self.assertEqual(self.folder.status("minio")[:2], ["stopped", "-"])

            # Interrupted while it waits, by the key that interrupts.
            program.write_text("#!/bin/sh\nexec sleep 3600\n")
            variables = environment(CARGO_TARGET_DIR=target)
            command = [SCRIPT, "start", "--at", self.folder.path, "minio"]
            script = subprocess.Popen(command, env=variables, stderr=subprocess.DEVNULL, start_new_session=True)
            state, process, _ = eventually("it runs", lambda: (told := self.folder.status("minio"))[0] == "running" and told)
            os.killpg(script.pid, signal.SIGINT)
            self.assertEqual(script.wait(PATIENCE), 130)
            self.assertEqual(self.folder.status("minio")[:2], ["stopped", "-"])
            self.assertFalse(pathlib.Path("/proc", process, "exe").exists())

    def test_started_twice_at_once_it_runs_once(self):
        first = self.folder.start("minio")
        self.folder.do("kill", "minio")
        variables = environment(CARGO_TARGET_DIR=TARGET)
        command = [SCRIPT, "start", "--at", self.folder.path, "minio"]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
        scripts = [subprocess.Popen(command, env=variables, **pipes) for _ in range(3)]
        # The end of their output comes though the server that they started goes on.
        self.assertEqual([settings(script.communicate(timeout=PATIENCE)[0]) for script in scripts], [first] * 3)
        self.assertEqual([script.returncode for script in scripts], [0] * 3)
        self.assertEqual(self.folder.status("minio")[0], "running")

    def test_what_is_asked_wrongly_is_refused(self):
        for arguments, says in [
            (["start", "postgres"], "there is no service postgres, but mariadb, minio, dynamodb, mlflow, kubernetes"),
            (["start", "--at"], "--at needs a value"),
            (["status", "--at", "two words"], "a folder's path may hold"),
            (["start", "--on", "here"], "there is no option --on"),
            (["start", "--notify", "http://127.0.0.1/", "mariadb"], "--notify is for start minio"),
            (["start", "--notify", "127.0.0.1", "minio"], "--notify needs a URL, not 127.0.0.1"),
            (["kill", "mariadb", "minio"], "kill takes one name"),
            (["settings"], "settings takes one name"),
            (["restart"], "there is no command restart"),
            ([], "say what to do"),
        ]:
            done = services(*arguments, check=False)
            self.assertEqual((done.returncode, done.stdout), (2, ""), arguments)
            self.assertIn(says, done.stderr)
        self.assertIn("scripts/services start", services("--help").stdout)

    def test_nothing_is_made_where_nothing_was_started(self):
        for command in (["stop"], ["status"], ["kill", "minio"], ["settings", "minio"]):
            self.folder.do(*command, check=command[0] != "settings")
        self.assertEqual(self.folder.status("minio"), ["absent", "-", "-"])
        self.assertFalse(self.folder.path.exists())
