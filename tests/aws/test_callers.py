"""Who may ask what over function URLs: by IAM, and by key."""

import base64
import hashlib
import pathlib
import re
import tempfile
import unittest

import homes
from callers import HOLDERS, bearer, key, line
from deployments import STACK, Team
from template import TEMPLATE, read
from urls import ask, payload

# Requests that change nothing, the least role that they take, and what whoever has it is answered.
REQUESTS = [
    ("predict", "POST", "/predict", b"no image", "predict", 415),
    ("predict", "GET", "/metrics", b"", "label", None),
    ("ingest", "POST", "/sources", b'{"sources": []}', "label", 200),
    ("train-trigger", "GET", "/decisions", b"", "label", 200),
    ("train-trigger", "POST", "/decisions", b"{}", "operate", 400),
    ("evaluate", "POST", "/evaluate", b'{"version": "3f2a91c04b7e"}', "operate", 404),
    ("promote", "GET", "/release", b"", "label", 200),
    ("promote", "POST", "/rollback", b'{"reason": "test"}', "operate", 400),
    ("promote", "POST", "/events", b"{}", "operate", 400),
]
ROLES = list(HOLDERS)


class Callers(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.team = Team(self)
        self.account = self.team.account

    def deploy(self, **parameters):
        options = [part for name, value in parameters.items() for part in ("--set", f"{name}={value}")]
        code, said = self.team.deploy("--yes", *options)
        self.assertEqual((code, self.account.faults), (0, []), said)
        return said

    def file(self, *lines):
        """What --set reads a value from."""
        folder = tempfile.TemporaryDirectory(prefix="pappus-keys-")
        self.addCleanup(folder.cleanup)
        path = pathlib.Path(folder.name) / "keys.txt"
        path.write_text("".join(f"{each}\n" for each in lines))
        return f"@{path}"

    def ask(self, name, method, path, body=b"", **who):
        status, answer = ask(self.account, f"{STACK}-{name}", method, path, body, **{"content-type": "application/json"} | who)
        wrong = self.account.denied + self.account.faults
        self.account.denied.clear()
        self.account.faults.clear()
        self.assertEqual(wrong, [])
        return status, answer

    def test_whom_iam_lets_in_is_an_operator_and_nobody_else_is(self):
        self.deploy()
        for name, method, path, body, _, answered in REQUESTS:
            for who in ({}, bearer("operate"), {"signed_by": f"{STACK}-predict"}):
                with self.subTest(path, who=who):
                    self.assertEqual(self.ask(name, method, path, body, **who), (403, {"Message": "Forbidden"}))
            # Nor is anybody who comes without IAM's word, by a URL that was opened by hand.
            asked = payload(method, path, body, {"content-type": "application/json"}, None)
            opened, _ = self.account.invoke(f"{STACK}-{name}", asked)
            with self.subTest(path, who="past IAM"):
                self.assertEqual(opened["statusCode"], 401, opened)
            if path != "/metrics":
                with self.subTest(path, who="operator"):
                    self.assertEqual(self.ask(name, method, path, body, signed_by="operator")[0], answered)

    def test_a_key_opens_what_its_role_may_and_no_more(self):
        said = self.deploy(UrlAccess="key", ApiKeys=self.file("# of the team", *map(line, ROLES)))
        # What is shown says whose keys they are, in one line each, and no whole digest.
        self.assertIn("operate ada sha256:", said)
        self.assertNotIn(line("operate"), said)
        for name in ("promote", "notify"):
            told = self.account.client("lambda").get_function_configuration(FunctionName=f"{STACK}-{name}")
            # Who has no URL needs no keys.
            self.assertEqual(line("operate") in told["Environment"]["Variables"].get("PAPPUS_API_KEYS", ""), name == "promote")
        for name, method, path, body, least, answered in REQUESTS:
            with self.subTest(path, who="nobody"):
                self.assertEqual(self.ask(name, method, path, body)[0], 401)
            with self.subTest(path, who="a key that nobody has"):
                self.assertEqual(self.ask(name, method, path, body, authorization="Bearer pappus_0")[0], 401)
            # A signature is nothing where IAM is not asked.
            with self.subTest(path, who="signed"):
                self.assertEqual(self.ask(name, method, path, body, signed_by="operator")[0], 401)
            for role in ROLES if path != "/metrics" else ["predict"]:
                may = ROLES.index(role) >= ROLES.index(least)
                with self.subTest(path, role=role):
                    self.assertEqual(self.ask(name, method, path, body, **bearer(role))[0], answered if may else 403)
        with self.subTest("as the password of Basic, which every tool can send"):
            basic = base64.b64encode(f"anybody:{key('operate')}".encode()).decode()
            basic = {"authorization": f"Basic {basic}"}
            self.assertEqual(self.ask("promote", "POST", "/rollback", b'{"reason": "test"}', **basic)[0], 400)
        with self.subTest("whether it is alive is everybody's to know"):
            self.assertEqual(self.ask("predict", "GET", "/health/live"), (200, None))

        self.closed_again()

    def closed_again(self):
        """Back to IAM: no key opens anything, and the keys are still there for the next time."""
        self.deploy(UrlAccess="iam")
        self.assertEqual(self.ask("promote", "GET", "/release", **bearer("operate")), (403, {"Message": "Forbidden"}))
        self.assertEqual(self.ask("promote", "GET", "/release", signed_by="operator")[0], 200)
        code, said = self.team.deploy("undo", "--yes")
        self.assertEqual(code, 0, said)
        self.assertEqual(self.ask("promote", "GET", "/release", **bearer("operate"))[0], 200)

    def test_predictions_are_free_where_no_key_is_for_them(self):
        self.deploy(UrlAccess="key", ApiKeys=self.file(line("operate")))
        self.assertEqual(self.ask("predict", "POST", "/predict", b"no image")[0], 415)
        self.assertEqual(self.ask("train-trigger", "GET", "/decisions")[0], 401)

    def test_no_url_is_opened_without_keys_and_no_key_is_taken_for_its_digest(self):
        never = "ROLE NAME sha256:DIGEST, and never a key"
        for options, says in [
            (["UrlAccess=key"], "UrlAccess=key lets in whoever sends one of ApiKeys, which has none"),
            (["UrlAccess=open"], "Parameter 'UrlAccess' must be one of AllowedValues"),
            (["UrlAccess=key", f"ApiKeys={self.file(line('label'), key('operate'))}"], never),
            (["UrlAccess=key", f"ApiKeys={self.file('operate ada ' + key('operate'))}"], never),
            (["UrlAccess=key", f"ApiKeys={self.file(line('label') + ' ' + line('operate'))}"], never),
        ]:
            with self.subTest(options):
                code, said = self.team.deploy("plan", *[part for each in options for part in ("--set", each)])
                self.assertEqual(code, 1, said)
                self.assertIn(says, said)
                self.assertNotIn(key("operate"), said)
        self.assertEqual(self.account.client("cloudformation").describe_stacks()["Stacks"], [])


class Keys(unittest.TestCase):
    def test_what_pappus_makes_is_what_the_template_takes(self):
        pattern = read(TEMPLATE.read_text())["Parameters"]["ApiKeys"]["AllowedPattern"]
        for role, name in HOLDERS.items():
            made = homes.pappus(homes.ROOT / "unused", "key", role, name)
            self.assertEqual(made["line"], f"{role} {name} sha256:{hashlib.sha256(made['key'].encode()).hexdigest()}")
            self.assertRegex(made["line"], f"^(?:{pattern})$")
            self.assertIsNone(re.fullmatch(pattern, made["key"]))
            self.assertEqual(len(made["key"]), len(key(role)))
