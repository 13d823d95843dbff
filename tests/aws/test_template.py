"""What the template says, apart from any deployment; and that it is what the functions want."""

import json
import re
import subprocess
import unittest

import homes
from deployments import FUNCTIONS, Team
from programs import BUILT, TOP, Server, environment, tool
from template import TEMPLATE, read

# CloudFormation takes no longer one that is sent with a request.
LONGEST = 51_200
# The table of events: DESIGN.md section 2, and what the functions say that they take (`kinds` in functions/*/src).
ROUTES = {
    "io.pappus.image.ingested": {"train-trigger"},
    "io.pappus.feedback.given": {"ingest", "train-trigger"},
    "io.pappus.alert": {"train-trigger"},
    "io.pappus.training.requested": {"train-trigger"},
    "io.pappus.training.failed": {"notify"},
    "io.pappus.model.trained": {"evaluate", "train-trigger"},
    "io.pappus.model.evaluated": {"promote", "notify"},
    "io.pappus.release.changed": {"predict", "notify"},
}


class Template(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.template = read(TEMPLATE.read_text())
        self.resources = self.template["Resources"]

    def of(self, kind):
        return {name: each.get("Properties", {}) for name, each in self.resources.items() if each["Type"] == kind}

    def names(self):
        """The functions' names by those of the template."""
        functions = self.of("AWS::Lambda::Function").items()
        return {ours: each["FunctionName"]["Fn::Sub"].removeprefix("${AWS::StackName}-") for ours, each in functions}

    def test_cfn_lint(self):
        command = [tool("cfn-lint"), TEMPLATE]
        done = subprocess.run(command, capture_output=True, text=True, env=environment(), check=False)
        self.assertEqual((done.returncode, done.stdout), (0, ""))

    def test_it_fits_into_a_request(self):
        self.assertLessEqual(TEMPLATE.stat().st_size, LONGEST)

    def test_the_rules_are_the_table_of_events(self):
        functions = self.names()
        routes = {}
        for rule in self.of("AWS::Events::Rule").values():
            (kind,) = rule["EventPattern"]["detail-type"] if "EventPattern" in rule else [rule["ScheduleExpression"]]
            routes[kind] = {target["Id"] for target in rule["Targets"]}
            for target in rule["Targets"]:
                ours = target["Arn"]["Fn::GetAtt"][0]
                self.assertEqual(functions[ours], target["Id"])
                self.assertEqual(target["DeadLetterConfig"], {"Arn": {"Fn::GetAtt": [f"{ours}Failures", "Arn"]}})
        self.assertEqual(routes, ROUTES | {"rate(1 hour)": {"train-trigger", "promote"}})
        known = re.findall(r'"(io\.pappus\.[a-z.]+)"', (TOP / "shared/domain/src/event.rs").read_text())
        self.assertLessEqual(set(ROUTES), set(known))

    def test_settings_are_those_of_the_documents(self):
        table = set(re.findall(r"`(PAPPUS_[A-Z_]+)`", (TOP / "docs/configuration.md").read_text()))
        for name, function in self.of("AWS::Lambda::Function").items():
            self.assertLessEqual(set(function["Environment"]["Variables"]), table, name)

    def test_every_function_has_its_own_of_everything(self):
        functions = self.of("AWS::Lambda::Function")
        self.assertEqual(len(functions), len(FUNCTIONS))
        for name, function in functions.items():
            with self.subTest(name):
                self.assertEqual((function["Runtime"], function["Handler"]), ("provided.al2023", "bootstrap"))
                self.assertEqual(function["Architectures"], [{"Ref": "Architecture"}])
                self.assertEqual(function["Role"], {"Fn::GetAtt": [f"{name}Role", "Arn"]})
                self.assertEqual(function["DeadLetterConfig"], {"TargetArn": {"Fn::GetAtt": [f"{name}Failures", "Arn"]}})
                self.assertEqual(function["LoggingConfig"], {"LogGroup": {"Ref": f"{name}Log"}})
                reserved = {"Fn::If": [f"{name}Reserved", {"Ref": f"{name}Concurrency"}, {"Ref": "AWS::NoValue"}]}
                self.assertEqual(function["ReservedConcurrentExecutions"], reserved)
                self.assertIn("RetentionInDays", self.resources[f"{name}Log"]["Properties"])
                self.assertTrue(self.resources[f"{name}Failures"]["Properties"]["SqsManagedSseEnabled"])
                alarm = self.resources[f"{name}HasFailed"]["Properties"]
                dimension = {"Name": "QueueName", "Value": {"Fn::GetAtt": [f"{name}Failures", "QueueName"]}}
                self.assertEqual((alarm["MetricName"], alarm["Dimensions"]), ("ApproximateNumberOfMessagesVisible", [dimension]))

    def test_who_answers_over_http_has_a_url_that_iam_or_keys_guard(self):
        answer = {path.parents[1].name for path in (TOP / "functions").glob("*/src/*.rs") if ".route(" in path.read_text()}
        answer = {name for name, each in self.names().items() if each in answer}
        self.assertEqual(self.template["Conditions"]["ByKey"], {"Fn::Equals": [{"Ref": "UrlAccess"}, "key"]})
        (rule,) = self.template["Rules"].values()
        self.assertEqual(rule["RuleCondition"], {"Fn::Equals": [{"Ref": "UrlAccess"}, "key"]})
        self.assertEqual([each["Assert"] for each in rule["Assertions"]], [{"Fn::Not": [{"Fn::Equals": [{"Ref": "ApiKeys"}, ""]}]}])
        auth = {"Fn::If": ["ByKey", "NONE", "AWS_IAM"]}
        urls = {each["TargetFunctionArn"]["Ref"]: each["AuthType"] for each in self.of("AWS::Lambda::Url").values()}
        self.assertEqual(urls, dict.fromkeys(answer, auth))
        variables = {name: each["Environment"]["Variables"] for name, each in self.of("AWS::Lambda::Function").items()}
        keys = {name: each["PAPPUS_API_KEYS"] for name, each in variables.items() if "PAPPUS_API_KEYS" in each}
        nobodys = {"Fn::FindInMap": ["Keys", "Nobody", "Line"]}
        self.assertEqual(keys, dict.fromkeys(answer, {"Fn::If": ["KeysGiven", {"Ref": "ApiKeys"}, nobodys]}))
        # What lets everybody in does so only by a URL, and only where keys guard that.
        everybody = [each for each in self.resources.values() if each.get("Properties", {}).get("Principal") == "*"]
        self.assertEqual({each["Condition"] for each in everybody}, {"ByKey"})
        found = {name: [] for name in answer}
        for each in everybody:
            found[each["Properties"].pop("FunctionName")["Ref"]].append(each["Properties"])
        asked = {"Action": "lambda:InvokeFunctionUrl", "Principal": "*", "FunctionUrlAuthType": "NONE"}
        invoked = {"Action": "lambda:InvokeFunction", "Principal": "*", "InvokedViaFunctionUrl": True}
        self.assertEqual(found, dict.fromkeys(answer, [asked, invoked]))

    def test_keys_are_taken_as_the_functions_take_them(self):
        line = f"operate ada sha256:{'0f' * 32}"
        pattern = re.compile(self.template["Parameters"]["ApiKeys"]["AllowedPattern"])
        taken = ["", self.template["Mappings"]["Keys"]["Nobody"]["Line"], line, f"{line}\n{line}\n"]
        taken += [f"# of ada\r\n\r\n  label\ta.b-c@d_e  {line[12:]}  ", line.replace("0f", "0F")]
        for text in taken:
            self.assertTrue(pattern.fullmatch(text), text)
        for text in ["pappus_0f", f"{line} {line}", line[:-1], f"{line}0", line.replace("operate", "root"), f"{line} # his"]:
            self.assertFalse(pattern.fullmatch(text), text)
        # However much it is that does not match, that is found out at once.
        self.assertFalse(pattern.fullmatch(f"{line}\n" * 40 + "\n \t" * 300 + "x"))

    def test_what_schedules_invoke_lets_them(self):
        for rule, each in self.of("AWS::Events::Rule").items():
            if "ScheduleExpression" in each:
                targets = {target["Arn"]["Fn::GetAtt"][0] for target in each["Targets"]}
                allowed = self.of("AWS::Lambda::Permission").values()
                allowed = {p["FunctionName"]["Ref"] for p in allowed if p.get("SourceArn") == {"Fn::GetAtt": [rule, "Arn"]}}
                self.assertEqual(allowed, targets)

    def test_data_outlives_the_stack_and_is_closed(self):
        for name in ("Objects", "Catalog"):
            kept = self.resources[name]
            self.assertEqual((kept["DeletionPolicy"], kept["UpdateReplacePolicy"]), ("Retain", "Retain"))
        bucket = self.resources["Objects"]["Properties"]
        self.assertEqual(set(bucket["PublicAccessBlockConfiguration"].values()), {True})
        self.assertIn("BucketEncryption", bucket)
        rules = {rule["Id"]: rule for rule in bucket["LifecycleConfiguration"]["Rules"]}
        self.assertEqual(rules["incomplete-uploads"]["AbortIncompleteMultipartUpload"], {"DaysAfterInitiation": 1})
        self.assertEqual(rules["incoming"]["Prefix"], "incoming/")
        (statement,) = self.resources["ObjectsPolicy"]["Properties"]["PolicyDocument"]["Statement"]
        self.assertEqual((statement["Effect"], statement["Condition"]), ("Deny", {"Bool": {"aws:SecureTransport": "false"}}))

    def test_no_role_may_do_all_of_anything(self):
        for name, role in self.of("AWS::IAM::Role").items():
            for policy in role["Policies"]:
                self.assertNotIn("*", [part for each in policy["PolicyDocument"]["Statement"] for part in flat(each["Action"])])
                self.assertNotIn('"*"', json.dumps([each["Resource"] for each in policy["PolicyDocument"]["Statement"]]), name)


def flat(actions):
    return "".join(actions if isinstance(actions, list) else [actions])


class Table(unittest.TestCase):
    def test_the_table_is_as_the_functions_make_it(self):
        team = Team(self)
        code, said = team.deploy("--yes")
        self.assertEqual(code, 0, said)
        dynamodb = team.account.client("dynamodb")
        # A function makes one of another name, since there is none.
        home = homes.empty()
        catalog = f"dynamodb://made?endpoint={dynamodb.meta.endpoint_url}"
        variables = environment(**team.account.operator, PAPPUS_HOME=home, PAPPUS_CATALOG=catalog, PORT=0)
        server = Server([BUILT / "pappus-notify"], variables)
        self.addCleanup(server.close)
        told = ("KeySchema", "AttributeDefinitions", "LocalSecondaryIndexes", "GlobalSecondaryIndexes", "BillingModeSummary")
        seen = {}
        for name in ("made", "plants"):
            table = dynamodb.describe_table(TableName=name)["Table"]
            seen[name] = {part: sorted(map(str, table[part])) if isinstance(table[part], list) else table[part] for part in told}
            seen[name]["expiry"] = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]["TimeToLiveStatus"]
        self.assertEqual(seen["made"], seen["plants"])
