"""scripts/deploy: what it says, what it changes, and what it takes back."""

import unittest

from deployments import FUNCTIONS, STACK, Team, script, zips


class Deploying(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.team = Team(self)
        self.account = self.team.account

    def deployed(self, *arguments):
        code, said = self.team.deploy("--yes", *arguments)
        self.assertEqual((code, self.account.faults), (0, []), said)
        return said

    def parameters(self):
        (stack,) = self.account.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
        return {each["ParameterKey"]: each["ParameterValue"] for each in stack["Parameters"]}

    def uploaded(self):
        buckets = self.account.client("s3").list_buckets()["Buckets"]
        code = [bucket["Name"] for bucket in buckets if "-code-" in bucket["Name"]]
        pages = [self.account.client("s3").list_objects_v2(Bucket=name, Prefix="lambda/") for name in code]
        return {each["Key"]: each["LastModified"] for page in pages for each in page.get("Contents", [])}

    def test_a_plan_changes_nothing(self):
        code, said = self.team.deploy("plan")
        self.assertEqual(code, 0, said)
        for line in ("add  Predict ", "add  Catalog ", "upload  pappus-predict-arm64.zip"):
            self.assertIn(line, said)
        self.assertEqual(self.account.client("cloudformation").describe_stacks()["Stacks"], [])
        self.assertEqual(self.account.client("s3").list_buckets()["Buckets"], [])

    def test_without_an_answer_nothing_is_done(self):
        code, said = self.team.deploy()
        self.assertEqual((code, said.splitlines()[-1]), (2, "error: nobody is here to be asked whether to deploy: give --yes"))
        self.assertEqual(self.account.client("cloudformation").describe_stacks()["Stacks"], [])

    def test_what_is_wrong_is_said(self):
        (self.team.zips / "pappus-notify-arm64.zip").unlink()
        for arguments, code, says in [
            (("plan",), 1, "make it with `scripts/package lambda --arch arm64`"),
            (("plan", "--stack", "Pla_nts"), 2, "--stack Pla_nts: give 3 to 25 lowercase letters, digits and hyphens"),
            (("plan", "--set", "LogDays"), 2, "--set LogDays: give NAME=VALUE, or NAME=@FILE"),
            (("plant",), 2, "invalid choice: 'plant'"),
        ]:
            done, said = self.team.deploy(*arguments)
            self.assertEqual(done, code, said)
            self.assertIn(says, said)
        zips(self.team.zips)
        code, said = self.team.deploy("plan", "--set", "Nonsense=1")
        self.assertEqual(code, 2, said)
        self.assertIn("the template has no parameter Nonsense: it has AlarmTopic, ", said)

    def test_the_same_again_is_nothing_and_parameters_stay(self):
        self.deployed("--set", "LogDays=7")
        uploaded = self.uploaded()
        self.assertEqual(len(uploaded), len(FUNCTIONS))
        self.assertIn("nothing would change", self.deployed())
        self.assertEqual(self.uploaded(), uploaded)
        zips(self.team.zips, promote="# another\n" + script("promote"))
        said = self.deployed()
        uploads = [line for line in said.splitlines() if line.startswith("uploading")]
        self.assertEqual(uploads, ["uploading pappus-promote-arm64.zip"])
        self.assertEqual(len(self.uploaded().keys() - uploaded), 1)
        self.assertEqual(self.parameters()["LogDays"], "7")
        code, said = self.team.deploy("status")
        self.assertEqual(code, 0, said)

    def test_code_that_does_not_work_is_undone(self):
        self.deployed()
        before = self.parameters()
        zips(self.team.zips, predict="echo 'broken on purpose' >&2; exit 1\n")
        code, said = self.team.deploy("--yes", "--patience", "1")
        self.assertEqual(code, 1, said)
        self.assertIn("error: predict is not ready: Runtime.ExitError", said)
        self.assertIn("error: the deployment did not work and was undone: what was there before answers again", said)
        self.assertEqual(self.parameters(), before)
        code, said = self.team.deploy("status")
        self.assertEqual(code, 0, said)

    def test_a_secret_alone_is_not_put_back_and_that_is_said(self):
        self.deployed("--set", "NotifyWebhook=https://chat.example.org/hooks/old")
        code, said = self.team.deploy("--yes", "--patience", "1", "--set", "NotifyWebhook=no address")
        self.assertEqual(code, 1, said)
        self.assertIn("error: notify is not ready: ", said)
        self.assertIn("was not undone: a secret cannot be put back: give the old one, --set NotifyWebhook=@FILE", said)
        self.assertNotIn("no address", said)
        self.deployed("--set", "NotifyWebhook=https://chat.example.org/hooks/old")

    def test_undo_goes_back_and_again_forth(self):
        code, said = self.team.deploy("undo", "--yes")
        self.assertEqual(code, 1, said)
        self.assertIn("nothing is remembered", said)
        self.deployed()
        first = self.parameters()
        zips(self.team.zips, ingest="# another\n" + script("ingest"))
        self.deployed()
        second = self.parameters()
        self.assertEqual({name for name in first if first[name] != second[name]}, {"IngestCode"})
        for wanted in (first, second):
            code, said = self.team.deploy("undo", "--yes")
            self.assertEqual(code, 0, said)
            self.assertEqual(self.parameters(), wanted)

    def test_a_first_deployment_that_does_not_work_is_left(self):
        zips(self.team.zips, notify="exit 1\n")
        code, said = self.team.deploy("--yes", "--patience", "1")
        self.assertEqual(code, 1, said)
        self.assertIn("there is nothing to go back to", said)

    def test_remove(self):
        self.deployed()
        code, said = self.team.deploy("remove")
        self.assertEqual(code, 2, said)
        code, said = self.team.deploy("remove", "--yes")
        self.assertEqual(code, 0, said)
        self.assertEqual(self.account.client("cloudformation").describe_stacks()["Stacks"], [])
        self.assertEqual(self.account.client("lambda").list_functions()["Functions"], [])
