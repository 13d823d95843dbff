"""What documents say of the code is so: links, settings, routes."""

import re
import unittest

import documents
from documents import TOP


class Facts(unittest.TestCase):
    def test_links_and_anchors_resolve(self):
        for path in documents.every():
            for link in documents.links(path):
                if re.match(r"[a-z]+:", link):
                    continue
                file, _, anchor = link.partition("#")
                to = (path.parent / file).resolve() if file else path
                with self.subTest(str(path.relative_to(TOP)), link=link):
                    self.assertTrue(to.exists(), "there is no such file")
                    if anchor:
                        self.assertIn(anchor, documents.anchors(to))

    def test_every_setting_is_in_the_table_and_every_row_is_a_setting(self):
        name = r"((?:PAPPUS|MLFLOW)_[A-Z_]+)"
        read = set()
        for file in [*(TOP / "shared/host/src").glob("*.rs"), *(TOP / "shared/telemetry/src").rglob("*.rs")]:
            code = file.read_text().partition("#[cfg(test)]")[0]
            read |= set(re.findall(rf'"{name}"', code))
        table = (TOP / "docs/configuration.md").read_text()
        rows = set()
        for row in re.findall(r"^\| (`[A-Z_`, ]+`) \|", table, re.M):
            rows |= set(re.findall(rf"`{name}`", row))
        self.assertIn("PAPPUS_HOME", read)
        self.assertEqual(rows, read)

    def test_every_route_is_told_of_and_every_route_told_of_is_there(self):
        there = set()
        files = [*(TOP / "functions").glob("*/src/**/*.rs"), TOP / "shared/host/src/hosted.rs"]
        for file in files:
            code = file.read_text().partition("#[cfg(test)]")[0]
            for path, rest in re.findall(r'\.route\(\s*"([^"]+)",(.*)', code):
                methods = re.findall(r"\b(get|post|put|delete)\(", rest) + re.findall(r"MethodFilter::(\w+)", rest)
                there |= {(method.upper(), re.sub(r"\{\w+\}", "{}", path)) for method in methods}
        told = re.findall(r"^### `([A-Z]+) (/\S*)`$", (TOP / "docs/api.md").read_text(), re.M)
        self.assertIn(("POST", "/predict"), there)
        self.assertEqual({(method, re.sub(r"\{\w+\}", "{}", path)) for method, path in told}, there)

    def test_who_may_ask_is_told_of_as_the_code_has_it(self):
        marks = {"Operator": "operators", "Labeller": "labellers", "Reader": "readers", "Asker": "askers"}
        asked = {}
        for folder in (TOP / "functions").glob("*/src"):
            code = "\n".join(file.read_text().partition("#[cfg(test)]")[0] for file in folder.rglob("*.rs"))
            handlers = dict(re.findall(r"^(?:pub\(crate\) )?async fn (\w+)\((?:\s*\w+: (\w+),)?", code, re.M))
            for path, rest in re.findall(r'\.route\(\s*"([^"]+)",(.*)', code):
                for method, handler in re.findall(r"\b(get|post|put|delete)\((\w+)\)", rest):
                    asked[method.upper(), re.sub(r"\{\w+\}", "{}", path)] = marks.get(handlers[handler])
        text = (TOP / "docs/api.md").read_text()
        told = re.findall(r"^### `([A-Z]+) (/\S*)`\n\n(?!Every function)[\w-]+(?:, (\w+))?\.", text, re.M)
        told = {(method, re.sub(r"\{\w+\}", "{}", path)): mark or None for method, path, mark in told}
        self.assertEqual(set(marks.values()), set(filter(None, told.values())))
        self.assertEqual(told, asked)

    def test_every_kind_of_event_is_told_of(self):
        code = (TOP / "shared/domain/src/event.rs").read_text()
        kinds = set(re.findall(r'^    \w+ = "(io\.pappus\.[a-z.]+)"', code, re.M))
        told = set(re.findall(r"^\| `(io\.pappus\.[a-z.]+)` \|", (TOP / "docs/events.md").read_text(), re.M))
        self.assertTrue(kinds)
        self.assertEqual(told, kinds)

    def test_every_table_of_the_catalog_is_told_of(self):
        tables = set()
        for file in (TOP / "shared/catalog/migrations/sqlite").glob("*.sql"):
            tables |= set(re.findall(r"^CREATE TABLE (\w+)", file.read_text(), re.M))
        told = set(re.findall(r"^\| `(\w+)` \|", (TOP / "docs/data-model.md").read_text(), re.M))
        self.assertTrue(tables)
        self.assertEqual(told, tables)

    def test_every_file_that_is_named_is_there(self):
        folders = "scripts|infra|k8s-knative|tests|functions|shared|docs"
        # What each team makes for itself, and never commits.
        own = (TOP / ".gitignore").read_text().splitlines()
        named = 0
        for path in documents.every():
            for name in re.findall(rf"`(?:\./)?((?:{folders})/[\w./-]+)", path.read_text()):
                named += 1
                with self.subTest(str(path.relative_to(TOP)), name=name):
                    self.assertTrue((TOP / name).exists() or f"/{name}" in own, "there is no such file")
        self.assertGreater(named, 50)

    def test_every_option_of_a_script_that_is_named_is_one(self):
        named = 0
        for path in documents.every():
            for script, rest in re.findall(r"(?:\./)?(scripts/[\w-]+)((?: [^`\n#|;&]+)?)", path.read_text()):
                for option in set(re.findall(r"(?<= )--[a-z][\w-]*", rest)) - {"--help"}:
                    named += 1
                    with self.subTest(str(path.relative_to(TOP)), script=script, option=option):
                        self.assertTrue(option in (TOP / script).read_text(), "it has no such option")
        self.assertGreater(named, 10)
