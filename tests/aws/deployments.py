"""Deployments with scripts/deploy, of zips that run what is built here."""

import pathlib
import subprocess
import sys
import tempfile
import zipfile

from account import REGION, Account
from programs import BUILT, TOP, environment

FUNCTIONS = ["ingest", "train-trigger", "train", "evaluate", "promote", "predict", "notify"]
STACK = "plants"


def script(name):
    return f'exec "{BUILT / f"pappus-{name}"}"\n'


def zips(folder, **other):
    """A zip for each function, whose `bootstrap` is the debug build; or what `other` says of it, by its name."""
    for name in FUNCTIONS:
        with zipfile.ZipFile(folder / f"pappus-{name}-arm64.zip", "w") as archive:
            entry = zipfile.ZipInfo("bootstrap")
            entry.external_attr = 0o100755 << 16
            archive.writestr(entry, f"#!/bin/sh\n{other.get(name) or script(name)}")
    return folder


class Team:
    """Somebody who deploys to an account."""

    def __init__(self, test):
        self.account = Account()
        test.addCleanup(self.account.close)
        folder = tempfile.TemporaryDirectory(prefix="pappus-zips-")
        test.addCleanup(folder.cleanup)
        self.zips = zips(pathlib.Path(folder.name))

    def deploy(self, *arguments):
        """Exit code and output of `scripts/deploy aws`."""
        where = ["--stack", STACK, "--region", REGION, "--endpoint-url", self.account.url, "--zips", self.zips]
        command = [sys.executable, TOP / "scripts/deploy", "aws", *where, *arguments]
        variables = environment(**self.account.operator)
        # The AWS CLI of this environment.
        variables["PATH"] = f"{pathlib.Path(sys.executable).parent}:{variables['PATH']}"
        output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        done = subprocess.run([str(part) for part in command], env=variables, stdin=subprocess.DEVNULL, check=False, **output)
        return done.returncode, done.stdout
