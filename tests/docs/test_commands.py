"""Runs the commands of the documents: those of one document in one shell, in order, in a fresh folder."""

import functools
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import unittest

import documents
from documents import TOP

TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR") or TOP / "target").resolve()
BUILT = TARGET / "debug"
# How long the commands of one document may take. It only ever ends a test that has failed.
DEADLINE = 300
# What differs from run to run: identifiers, times, addresses, and decimals. Whole numbers are counts, and compared.
UNSTABLE = re.compile(
    r"[0-9a-f]{8}-[0-9a-f-]{27}|\b[0-9a-f]{12,64}\b|\d{4}-\d\d-\d\dT[\d:.]+Z|127\.0\.0\.1:\d+|\d+\.\d+"
)


def stable(line):
    return " ".join(UNSTABLE.sub("#", line).split())


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@functools.cache
def session(path):
    """What each command that runs printed, and its exit code: one less where the shell ended."""
    script = ["set -euo pipefail"]
    number = 0
    for block in filter(lambda block: block.runs, documents.commands(path)):
        for command, _ in block.commands():
            ended = f'printf "\\n@@ended {number} %s\\n" "${{code:-0}}"'
            if "exits" in block.marks:
                script.append(f"code=0; {{ {command.rstrip()}\n}} || code=$?\n{ended}; code=0")
            else:
                script.append(f"{command.rstrip()}\n{ended}")
            number += 1
    port = free_port()
    # The usual port may be taken on this machine.
    text = "\n".join(script).replace("127.0.0.1:8080", f"127.0.0.1:{port}")
    text = re.sub(r"\bpappus (up|demo)\b", rf"pappus \1 --port {port}", text)
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("PAPPUS_", "AWS_", "K_"))}
    variables |= {"PATH": f"{BUILT}:{os.environ['PATH']}", "NO_COLOR": "1"}
    folder = tempfile.mkdtemp(prefix="pappus-docs.")
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(
            ["bash", "-c", text], cwd=folder, env=variables | {"HOME": folder}, stdin=subprocess.DEVNULL,
            stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
        )
        try:
            process.wait(DEADLINE)
        finally:
            # What it left in the background is of its process group.
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()
            shutil.rmtree(folder, ignore_errors=True)
        log.seek(0)
        parts = re.split(r"\n@@ended \d+ (\d+)\n", log.read())
    outcomes = list(zip(parts[0::2], map(int, parts[1::2])))
    return outcomes, parts[-1]


class Commands(unittest.TestCase):
    def outcome(self, path, block):
        if "needs" in block.marks:
            self.skipTest(f"{path.relative_to(TOP)}: needs {block.marks['needs']}: {block.text.splitlines()[0]}")
        if script := block.marks.get("run by"):
            lines = [line.partition("#")[0].strip() for line in block.text.splitlines()]
            said = (TOP / script).read_text()
            for line in filter(None, lines):
                self.assertIn(line, said, f"{script} does not run it")
            return
        if not (BUILT / "pappus").exists():
            self.skipTest("pappus is not built: cargo build --workspace --bins")
        outcomes, rest = session(path)
        before = [b for b in documents.commands(path) if b.runs]
        first = sum(len(b.commands()) for b in before[: before.index(block)])
        for number, (command, shown) in enumerate(block.commands(), first):
            self.assertLess(number, len(outcomes), f"the shell ended at or before: {command}\n{rest}")
            printed, code = outcomes[number]
            self.assertEqual(code, int(block.marks.get("exits", 0)), f"{command}\n{printed}")
            self.assert_shown(command, shown, printed)

    def assert_shown(self, command, shown, printed):
        """Each line shown was printed, in this order; a line of dots stands for any number of them."""
        lines = iter([stable(line) for line in printed.splitlines()])
        for line in filter(str.strip, (shown or "").splitlines()):
            if line.strip() != "…":
                self.assertTrue(stable(line) in lines, f"{command}\nshows `{line}`, but printed:\n{printed}")

    def test_every_block_says_what_it_is(self):
        for path in documents.every():
            for block in documents.blocks(path):
                with self.subTest(str(path.relative_to(TOP)), text=block.text[:60]):
                    self.assertTrue(block.language, "a fence without a language")

    def test_only_the_synopsis_has_commands_that_are_not_run(self):
        for path in documents.every():
            for block in documents.blocks(path):
                if block.language == "text" and path.name != "command-line.md":
                    with self.subTest(str(path.relative_to(TOP))):
                        self.assertNotRegex(block.text, r"(?m)^(\$ |curl |pappus |cargo |scripts/|export |docker )")

    def test_commands_that_are_only_named_exist(self):
        if not (BUILT / "pappus").exists():
            self.skipTest("pappus is not built: cargo build --workspace --bins")
        told = subprocess.run([BUILT / "pappus", "--help"], capture_output=True, text=True, check=True).stdout
        known = set(re.findall(r"^  ([a-z]+)  ", told, re.M))
        self.assertIn("ingest", known)
        for path in documents.every():
            for name in re.findall(r"(?:^|`)pappus ([a-z]+)", path.read_text(), re.M):
                self.assertIn(name, known, f"{path}: pappus {name}")

    def test_french_and_english_say_the_same_commands(self):
        def said(name):
            return [re.sub(r"\s+#.*", "", block.text) for block in documents.commands(TOP / name)]

        self.assertEqual(said("README.md"), said("README.fr.md"))


def add(path, number, block):
    name = re.sub(r"\W", "_", str(path.relative_to(TOP)))
    setattr(Commands, f"test_{name}_{number:02}", lambda self: self.outcome(path, block))


for document in documents.every():
    for number, block in enumerate(documents.commands(document), 1):
        add(document, number, block)
