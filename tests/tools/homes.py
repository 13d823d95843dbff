"""Homes in which functions run: each test has a copy."""

import functools
import hashlib
import json
import pathlib
import shutil
import subprocess
import tempfile
import uuid

from programs import BUILT, environment

_made = tempfile.TemporaryDirectory(prefix="pappus-tools-")
ROOT = pathlib.Path(_made.name)


def remove():
    _made.cleanup()


def pappus(home, *arguments):
    """What the command line says, as JSON."""
    command = [BUILT / "pappus", "--home", home, "--json", *arguments]
    done = subprocess.run(command, env=environment(), capture_output=True, check=False)
    if done.returncode:
        raise AssertionError(f"pappus {' '.join(map(str, arguments))} failed: {done.stderr.decode()}")
    return json.loads(done.stdout) if done.stdout.strip() else None


@functools.cache
def pictures():
    """Drawn pictures, by class: forty of each."""
    folder = ROOT / "pictures"
    pappus(ROOT / "unused", "sample", folder, "--count", "40")
    return {label: sorted((folder / label).iterdir()) for label in ("dandelion", "grass")}


@functools.cache
def _filled():
    home = ROOT / "filled"
    pictures()
    pappus(home, "ingest", ROOT / "pictures")
    return home


@functools.cache
def _released():
    home = shutil.copytree(_filled(), ROOT / "released")
    version = pappus(home, "train", "--recipe", "scratch")["version"]
    pappus(home, "promote", version, "--force")
    return home


def empty():
    return pathlib.Path(tempfile.mkdtemp(dir=ROOT))


def filled():
    """A home with eighty labelled images and no model."""
    return shutil.copytree(_filled(), empty() / "home")


def released():
    """A home with a model that has been released."""
    return shutil.copytree(_released(), empty() / "home")


def put(home, key, picture):
    """Puts a picture into the object store; its bytes."""
    path = home / "objects" / key
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(picture, path)
    return path.read_bytes()


def _digest(*parts):
    whole = hashlib.sha256()
    for part in parts:
        whole.update(len(part).to_bytes(8, "little") + part)
    return whole


def ingested(key, image):
    """The event that must follow from an object, without its time."""
    batch = _digest(key.encode(), hashlib.sha256(image).digest()).hexdigest()[:16]
    kind, data = "io.pappus.image.ingested", {"batch": batch, "stored": 1}
    identity = _digest(kind.encode(), json.dumps(data, separators=(",", ":"), sort_keys=True).encode()).digest()
    identifier = bytearray(identity[:16])
    identifier[6] = identifier[6] & 0x0F | 0x80
    identifier[8] = identifier[8] & 0x3F | 0x80
    return {
        "specversion": "1.0",
        "id": str(uuid.UUID(bytes=bytes(identifier))),
        "source": "/pappus/ingest",
        "type": kind,
        "subject": batch,
        "datacontenttype": "application/json",
        "data": data,
    }
