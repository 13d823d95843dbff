"""What GitHub would run: is it right as far as can be seen from here, pinned, and allowed no more than it needs?"""

import os
import pathlib
import re
import shutil
import subprocess
import unittest

from programs import TOP

WORKFLOWS = sorted((TOP / ".github/workflows").glob("*.yml"))


def jobs(text):
    """The text of each job, by its name."""
    parts = re.split(r"^  ([\w-]+):\n", text.partition("\njobs:\n")[2], flags=re.M)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


class Workflows(unittest.TestCase):
    def each(self):
        """Name and text of every workflow."""
        self.assertGreaterEqual({path.stem for path in WORKFLOWS}, {"ci", "security", "images", "release", "deploy"})
        return [(path.stem, path.read_text()) for path in WORKFLOWS]

    def test_actionlint_finds_nothing(self):
        program = pathlib.Path(os.environ["ACTIONLINT"])
        if not program.is_file():
            self.skipTest("actionlint is built with Go, which is not here")
        shellcheck = shutil.which("shellcheck")
        if not shellcheck:
            print("skipped: what steps run is not looked at: shellcheck is not here")
        command = [program, "-no-color", "-shellcheck", shellcheck or "", "-pyflakes", "", *WORKFLOWS]
        done = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)

    def test_actionlint_would_find_something(self):
        program = pathlib.Path(os.environ["ACTIONLINT"])
        if not program.is_file():
            self.skipTest("actionlint is built with Go, which is not here")
        wrong = "on: push\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    steps:\n      - run: echo ${{ inputs.nothing.at.all }}\n"
        done = subprocess.run([program, "-"], input=wrong, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 1)

    def test_actions_are_pinned_by_commit_and_say_their_version(self):
        for workflow, text in self.each():
            for line in re.findall(r"^\s*(?:- )?uses:.*$", text, re.M):
                self.assertRegex(line, r"uses: [\w-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", workflow)

    def test_one_action_is_one_commit_everywhere(self):
        found = {}
        for path in WORKFLOWS:
            for action, commit in re.findall(r"uses: (\S+)@([0-9a-f]{40})", path.read_text()):
                found.setdefault(action, set()).add(commit)
        self.assertEqual({action: commits for action, commits in found.items() if len(commits) > 1}, {})

    def test_what_steps_run_is_there(self):
        every = set()
        for workflow, text in self.each():
            for script in set(re.findall(r"(?<![\w/.-])scripts/[\w-]+", re.sub(r"^\s*#.*$", "", text, flags=re.M))):
                every.add(script)
                self.assertTrue(os.access(TOP / script, os.X_OK) and (TOP / script).is_file(), f"{workflow}: {script} is no program")
        self.assertGreater(len(every), 5)

    def test_nothing_is_allowed_that_a_job_does_not_ask_for(self):
        writing = {"images": {"packages", "id-token"}, "release": {"contents", "id-token", "attestations"}, "deploy": {"id-token"}}
        for workflow, text in self.each():
            self.assertIn("\npermissions: {}\n", text, workflow)
            for name, job in jobs(text).items():
                self.assertIn("\n    permissions:\n", f"\n{job}", name)
                self.assertRegex(job, r"(?m)^    timeout-minutes: \d+$", name)
            asked = set(re.findall(r"^\s+([\w-]+): write$", text, re.M))
            self.assertEqual(asked, writing.get(workflow, set()), workflow)

    def test_nothing_is_published_before_ci_has_passed(self):
        for workflow, publishes in [("images", "scripts/publish-images"), ("release", "scripts/release build")]:
            text = (TOP / f".github/workflows/{workflow}.yml").read_text()
            for step in ("run: scripts/release tested\n", 'run: scripts/release version "$GITHUB_REF_NAME"\n'):
                self.assertIn(step, text, workflow)
                self.assertLess(text.index(step), text.index(publishes), workflow)
        ci = (TOP / ".github/workflows/ci.yml").read_text()
        self.assertIn("run: scripts/test --full\n", jobs(ci)["full"])
        self.assertRegex((TOP / ".github/workflows/images.yml").read_text(), rf"workflows: \[{re.search('^name: (.+)$', ci, re.M)[1]}\]")

    def test_nothing_is_deployed_whose_origin_is_not_proved(self):
        deploy = jobs((TOP / ".github/workflows/deploy.yml").read_text())
        for where, proof, deploys in [
            ("aws", "gh attestation verify", "run: scripts/deploy aws --stack"),
            ("knative", '--verify "$GITHUB_REPOSITORY"', "scripts/roll-out scripts/cluster up"),
        ]:
            self.assertIn(proof, deploy[where])
            self.assertLess(deploy[where].index(proof), deploy[where].index(deploys))

    def test_runs_do_not_get_into_each_others_way(self):
        for workflow, text in self.each():
            self.assertRegex(text, r"(?m)^concurrency:\n  group: \S.*\n  cancel-in-progress: ", workflow)

    def test_secrets_are_no_part_of_commands_and_strangers_get_none(self):
        for workflow, text in self.each():
            self.assertNotIn("pull_request_target", text, workflow)
            self.assertNotIn("set -x", text, workflow)
            for checkout in re.findall(r"uses: actions/checkout@.*\n((?:        .*\n)*)", text):
                self.assertIn("persist-credentials: false", checkout, workflow)
            # What somebody else may have written reaches a shell as a variable alone.
            for command in re.findall(r"^\s*(?:- )?run: (?:[^|\n].*|\|\n(?:(?: {10,}.*)?\n)+)", text, re.M):
                self.assertNotIn("${{", command, workflow)
            if "pull_request:" in text:
                self.assertNotIn("secrets.", text, workflow)

    def test_the_rust_of_the_workflows_is_what_the_code_asks_for(self):
        wanted = re.search(r'rust-version = "(\d+\.\d+)"', (TOP / "Cargo.toml").read_text())[1]
        for workflow, text in self.each():
            for version in re.findall(r"^  RUST: (\S+)$", text, re.M):
                self.assertEqual(version.rpartition(".")[0], wanted, workflow)


if __name__ == "__main__":
    unittest.main()
