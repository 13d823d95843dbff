"""What the workflows run: releases, images and deployments that are undone."""

import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import tarfile
import unittest
from importlib.machinery import SourceFileLoader

import homes
from programs import TOP

release = SourceFileLoader("release", str(TOP / "scripts/release")).load_module()
VERSION = release.version()


def script(name, *arguments, cwd=TOP, **variables):
    command = [str(part) for part in (pathlib.Path(cwd) / "scripts" / name, *arguments)]
    environment = {**os.environ, **{key: str(value) for key, value in variables.items()}}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


class Releases(unittest.TestCase):
    def setUp(self):
        self.folder = homes.empty()
        for name in release.wanted():
            (self.folder / name).write_bytes(name.encode())

    def release(self, *arguments):
        return script("release", "--folder", self.folder, *arguments)

    def test_what_is_whole_is_said_to_be(self):
        self.assertEqual(self.release("verify").returncode, 1, "without checksums")
        self.assertEqual(self.release("checksums").returncode, 0)
        done = self.release("verify")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        # And to whoever downloads it.
        checked = subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=self.folder, capture_output=True, check=False)
        self.assertEqual(checked.returncode, 0)

    def test_what_is_damaged_missing_or_too_many_is_refused(self):
        self.release("checksums")
        archive = self.folder / f"pappus-{VERSION}-x86_64-unknown-linux-gnu.tar.gz"
        whole = archive.read_bytes()
        archive.write_bytes(whole[:-1])
        self.assertIn("is not what SHA256SUMS says", self.release("verify").stderr)
        archive.unlink()
        self.assertIn("lacks", self.release("verify").stderr)
        archive.write_bytes(whole)
        (self.folder / "stranger.zip").touch()
        self.assertIn("stranger.zip", self.release("checksums").stderr)

    def test_a_tag_of_another_version_ends_the_release(self):
        self.assertEqual(self.release("version", f"v{VERSION}").returncode, 0)
        for tag in (VERSION, f"v{VERSION}0", "main"):
            done = self.release("version", tag)
            self.assertEqual(done.returncode, 1)
            self.assertIn(f"is not v{VERSION}", done.stderr)

    def test_what_has_not_passed_on_main_is_not_published(self):
        code, programs = homes.empty(), homes.empty()
        identity = ["-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", "init", "--quiet"], cwd=code, check=True)
        subprocess.run(["git", *identity, "commit", "--quiet", "--allow-empty", "--message", "one"], cwd=code, check=True)
        commit = subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=code, text=True).strip()

        def tested(answer):
            (programs / "gh").write_text(f'#!/bin/sh\necho "$@" >"{programs}/asked"\n{answer}\n')
            (programs / "gh").chmod(0o755)
            settings = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
            command = [TOP / "scripts/release", "tested"]
            return subprocess.run(command, cwd=code, env=settings, capture_output=True, text=True, check=False)

        done = tested("""echo '[{"url": "https://example.org/runs/1"}]'""")
        self.assertEqual((done.returncode, done.stdout), (0, "passed: https://example.org/runs/1\n"), done.stderr)
        asked = (programs / "asked").read_text()
        for words in ("--workflow ci.yml", f"--commit {commit}", "--branch main", "--event push", "--status success"):
            self.assertIn(words, asked)
        done = tested("echo '[]'")
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"ci.yml has not passed on main for {commit}", done.stderr)
        done = tested("echo 'HTTP 403: Resource not accessible' >&2; exit 1")
        self.assertEqual((done.returncode, done.stderr), (1, "error: gh run list: HTTP 403: Resource not accessible\n"))

    def test_notes_are_what_the_changelog_says_of_this_version(self):
        changelog = self.folder / "log.md"
        changelog.write_text(f"# Changelog\n\n## [{VERSION}] - today\n\n- This.\n\n### Fixed\n\n- That.\n\n## 0.0.1\n\n- Old.\n")
        done = self.release("notes", "--changelog", changelog)
        self.assertEqual(done.stdout, "- This.\n\n### Fixed\n\n- That.\n")
        changelog.write_text("# Changelog\n\n## 0.0.1\n\n- Old.\n")
        self.assertEqual(self.release("notes", "--changelog", changelog).returncode, 1)

    def test_binstall_asks_for_what_is_released(self):
        told = (TOP / "functions/pappus/Cargo.toml").read_text()
        said = (TOP / "docs/installation.md").read_text()
        urls = {"{ repo }": re.search(r'^pkg-url = "(.+)"$', told, re.M)[1]}
        urls["https://github.com/OWNER/REPOSITORY"] = re.search(r"--pkg-url '(.+)'$", said, re.M)[1]
        for repository, url in urls.items():
            for arch, target in {"x86-64": "x86_64-unknown-linux-gnu", "arm64": "aarch64-unknown-linux-gnu"}.items():
                # As cargo binstall fills in its template.
                filled = url.replace("{ version }", VERSION).replace("{ target }", target)
                file = f"{release.named(arch)}.tar.gz"
                self.assertEqual(filled, f"{repository}/releases/download/v{VERSION}/{file}")
                self.assertIn(file, release.wanted())

    def test_an_archive_depends_on_its_contents_alone_and_is_what_binstall_expects(self):
        program = self.folder / "program"
        program.write_text("#!/bin/sh\necho hello\n")
        digests = set()
        for number in range(2):
            path = self.folder / f"{number}.tar.gz"
            release.archive(path, release.named("arm64"), {"pappus": (program, 0o755), "LICENSE": (TOP / "LICENSE", 0o644)})
            digests.add(hashlib.sha256(path.read_bytes()).hexdigest())
            os.utime(program, (number, number))
        self.assertEqual(len(digests), 1)
        # As cargo binstall fills in its template.
        told = (TOP / "functions/pappus/Cargo.toml").read_text()
        inside = re.search(r'^bin-dir = "(.+)"$', told, re.M)[1]
        for name, value in {"version": VERSION, "target": "aarch64-unknown-linux-gnu", "bin": "pappus", "binary-ext": ""}.items():
            inside = inside.replace(f"{{ {name} }}", value)
        into = self.folder / "into"
        with tarfile.open(path) as archive:
            archive.extractall(into, filter="data")
        self.assertEqual(subprocess.check_output([into / inside], text=True), "hello\n")


class Images(unittest.TestCase):
    def test_every_function_is_built_scanned_tagged_and_signed_for_both_architectures(self):
        done = script("publish-images", "--prefix", "ghcr.io/team/", "--tag", "1.2.3", "--sign", "--dry-run")
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = done.stdout.splitlines()
        for name in release.package.FUNCTIONS:
            image = f"ghcr.io/team/pappus-{name}"
            of = [line for line in lines if re.search(rf"{image}[,@:]", line)]
            kinds = ["buildx build", "grype", "buildx build", "grype", "imagetools create", "imagetools inspect", "cosign sign"]
            found = [next(kind for kind in kinds if kind in line) for line in of if not line.startswith(image)]
            self.assertEqual(sorted(found), sorted(kinds), name)
            self.assertLess(found.index("grype"), found.index("imagetools create"), "a tag is set on what was scanned")
            builds = [line for line in of if "buildx build" in line]
            self.assertEqual([re.search(r"--platform (\S+)", line)[1] for line in builds], ["linux/amd64", "linux/arm64"])
            for line in builds:
                self.assertIn("--provenance mode=max", line)
                self.assertRegex(line, r"type=sbom,generator=\S+@sha256:[0-9a-f]{64}")

    def test_a_release_is_known_by_the_workflow_that_signed_it(self):
        done = script("publish-images", "--prefix", "ghcr.io/team/", "--tag", "1.2.3", "--verify", "Team/pappus", "--dry-run")
        self.assertEqual(done.returncode, 0, done.stderr)
        verified = [line for line in done.stdout.splitlines() if "cosign verify" in line]
        self.assertEqual(len(verified), len(release.package.FUNCTIONS))
        for name, line in zip(release.package.FUNCTIONS, verified, strict=True):
            self.assertTrue(line.endswith(f" ghcr.io/team/pappus-{name}:1.2.3"), line)
            who = "https://github.com/Team/pappus/.github/workflows/images.yml@refs/tags/v1.2.3"
            self.assertIn(f"--certificate-oidc-issuer https://token.actions.githubusercontent.com --certificate-identity {who} ", line)

    def test_wrong_usage(self):
        for arguments in (["--prefix", "Team", "--tag", "1"], ["--prefix", "team/", "--tag", "a b"], ["--prefix", "t/", "--tag", "1", "cook"],
                          ["--prefix", "t/", "--tag", "1", "--verify", "team"]):
            done = script("publish-images", *arguments, "--dry-run")
            self.assertEqual(done.returncode, 2)
            self.assertRegex(done.stderr, "^error: ")

    def test_without_docker_it_says_so(self):
        # Nothing but Python: neither Docker nor Go.
        only = homes.empty()
        for name in ("python3", "env", "git"):
            (only / name).symlink_to(shutil.which(name))
        done = script("publish-images", "--prefix", "t/", "--tag", "1", PATH=only)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, "^error: docker is not here")


# Keeps one ConfigMap in a folder: for the tests of what follows from it. What kubectl and a real API server make of these
# commands is `test_a_real_api_server_remembers`.
KUBECTL = """#!/bin/sh
echo "$@" >>"$STORE/asked"
case "$*" in
  *" get configmap "*) [ ! -f "$STORE/fails" ] || exit 1; cat "$STORE/commit" 2>/dev/null || true ;;
  *" create configmap "*) for word; do case $word in --from-literal=commit=*) echo "${word##*=}" ;; esac; done ;;
  "apply "*) tr -d '\\n' >"$STORE/commit" ;;
  *) exit 64 ;;
esac
"""
# Deploys by writing down what it is, and fails where it says so.
DEPLOY = '#!/bin/sh\necho "$(cat version) $*" >>"$STORE/deployed"\n[ "$(cat works)" = yes ] || [ "$(cat works)" = "$STORE" ]\n'


class RollOut(unittest.TestCase):
    def setUp(self):
        self.store, self.code, self.bin = homes.empty(), homes.empty(), homes.empty()
        (self.bin / "kubectl").write_text(KUBECTL)
        (self.bin / "kubectl").chmod(0o755)
        (self.code / "scripts").mkdir()
        shutil.copy2(TOP / "scripts/roll-out", self.code / "scripts")
        (self.code / "scripts/cluster").write_text(DEPLOY)
        (self.code / "scripts/cluster").chmod(0o755)
        self.git("init", "--quiet")

    def git(self, *arguments):
        identity = ["-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"]
        return subprocess.check_output(["git", *identity, *arguments], cwd=self.code, text=True).strip()

    def commit(self, version, works="yes"):
        (self.code / "version").write_text(version)
        (self.code / "works").write_text(works)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", version)
        return self.git("rev-parse", "HEAD")

    def roll_out(self, command="scripts/cluster"):
        path = f"{self.bin}{os.pathsep}{os.environ['PATH']}"
        return script("roll-out", command, "up", "--now", cwd=self.code, PATH=path, STORE=self.store)

    def noted(self):
        return (self.store / "commit").read_text()

    def deployed(self):
        path = self.store / "deployed"
        return [line.split()[0] for line in path.read_text().splitlines()] if path.exists() else []

    def test_what_answers_stays(self):
        for version in ("one", "two"):
            commit = self.commit(version)
            done = self.roll_out()
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(self.noted(), commit)
        self.assertEqual((self.store / "deployed").read_text(), "one up --now\ntwo up --now\n")

    def test_what_does_not_answer_is_undone(self):
        good = self.commit("good")
        self.roll_out()
        bad = self.commit("bad", "no")
        done = self.roll_out()
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"error: {bad} does not answer: {good} runs", done.stderr)
        self.assertEqual(self.deployed(), ["good", "bad", "good"])
        self.assertEqual(self.noted(), good)
        self.assertEqual(len(self.git("worktree", "list").splitlines()), 1)
        self.assertEqual(self.git("status", "--porcelain"), "")

    def test_where_nothing_can_be_undone_it_says_so(self):
        self.commit("first", "no")
        done = self.roll_out()
        self.assertEqual(done.returncode, 3)
        self.assertFalse((self.store / "commit").exists())
        # It answered once, and does not now.
        once = self.commit("once", str(self.store))
        self.assertEqual(self.roll_out().returncode, 0)
        (self.code / "scripts/cluster").write_text(DEPLOY.partition("[")[0] + "false\n")
        self.commit("bad", "no")
        (self.store / "commit").write_text(self.git("rev-parse", "HEAD"))
        done = self.roll_out()
        self.assertEqual(done.returncode, 3)
        self.assertIn("does not either", done.stderr)
        self.assertNotEqual(self.noted(), once)

    def test_nothing_is_begun_that_could_not_be_undone(self):
        self.commit("one")
        (self.store / "commit").write_text("0" * 40)
        done = self.roll_out()
        self.assertEqual(done.returncode, 1)
        self.assertIn("git has no such commit", done.stderr)
        (self.store / "fails").touch()
        self.assertNotEqual(self.roll_out().returncode, 0)
        self.assertEqual(self.deployed(), [])

    def test_a_real_api_server_remembers(self):
        kubectl = shutil.which("kubectl") or self.skipTest("kubectl is not here")
        (self.bin / "kubectl").unlink()
        (self.bin / "kubectl").symlink_to(kubectl)
        # Only where one runs: to build one takes a quarter of an hour.
        cluster = os.environ.get("PAPPUS_TEST_KUBERNETES") or self.skipTest("PAPPUS_TEST_KUBERNETES names no cluster")
        settings = {"PATH": f"{self.bin}{os.pathsep}{os.environ['PATH']}", "STORE": self.store, "KUBECONFIG": cluster}
        settings["PAPPUS_NAMESPACE"] = "default"
        for version, works, code in [("good", "yes", 0), ("better", "yes", 0), ("bad", "no", 1)]:
            self.commit(version, works)
            done = script("roll-out", "scripts/cluster", cwd=self.code, **settings)
            self.assertEqual(done.returncode, code, done.stderr)
        self.assertEqual(self.deployed(), ["good", "better", "bad", "better"])

    def test_wrong_usage(self):
        self.commit("one")
        self.assertEqual(self.roll_out("scripts/nothing").returncode, 2)
        self.assertEqual(script("roll-out").returncode, 2)


class Checks(unittest.TestCase):
    def test_what_is_wrong_is_found(self):
        if not shutil.which("shellcheck"):
            self.skipTest("shellcheck is not here")
        code = homes.empty()
        (code / "scripts").mkdir()
        shutil.copy2(TOP / "scripts/check", code / "scripts")
        subprocess.run(["git", "init", "--quiet"], cwd=code, check=True)
        subprocess.run(["git", "add", "--all"], cwd=code, check=True)
        self.assertEqual(script("check", "scripts", cwd=code).returncode, 0)
        (code / "scripts/wrong").write_text('#!/bin/sh\nrm -rf $1/*\n')
        subprocess.run(["git", "add", "--all"], cwd=code, check=True)
        done = script("check", "scripts", cwd=code)
        self.assertEqual(done.returncode, 1)
        self.assertIn("SC2086", done.stdout)
        self.assertIn("error: not as it should be: scripts", done.stderr)

    def test_wrong_usage(self):
        done = script("check", "everything")
        self.assertEqual(done.returncode, 2)
        self.assertIn("there is no check everything", done.stderr)


if __name__ == "__main__":
    unittest.main()
