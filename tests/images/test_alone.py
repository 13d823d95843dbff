"""Images of predict and ingest by themselves: not as root, on a read-only root, in 256 MB, with no network."""

import functools
import json
import os
import shutil
import signal
import time
import unittest

from engine import PORT, TOP, USER, Container, engine, image, pappus, told
from load import KEPT, NEW, Load

ROUNDS = 3  # of stopping predict under load


@functools.cache
def released_home():
    """A home with a released model, and pictures that were not trained on."""
    told("training a model")
    work = engine().work
    home = work / "home"
    pappus(home, "sample", work / "known", "--count", "120")
    pappus(home, "sample", work / "new", "--count", "4", "--seed", "2")
    pappus(home, "ingest", work / "known")
    version = json.loads(pappus(home, "train", "--recipe", "scratch"))["version"]
    pappus(home, "evaluate", version)
    pappus(home, "promote", version)
    for path in [home, *home.rglob("*")]:
        os.chown(path, USER, USER)
    return home, sorted((work / "new").rglob("*.jpg"))


def alone(function, home=None):
    options = ["--read-only", "--tmpfs", "/tmp", "--memory", "256m", "--network", "none", "--cap-drop", "ALL"]
    options += ["--security-opt", "no-new-privileges"]
    if home:
        options += ["--volume", f"{home}:/home/pappus", "--env", "PAPPUS_HOME=/home/pappus"]
    return Container(function, options)


class Alone(unittest.TestCase):
    def setUp(self):
        engine().images_of("predict", "ingest")

    def test_images_name_a_numeric_user_a_port_an_entry_point_without_a_shell_and_what_they_are(self):
        for function in ("predict", "ingest"):
            config = engine().inspect(image(function), ".Config")
            self.assertEqual(config["User"], f"{USER}:{USER}")
            self.assertEqual(list(config["ExposedPorts"]), [f"{PORT}/tcp"])
            self.assertEqual(config["Entrypoint"], ["/pappus/bin/function"])
            self.assertEqual(config["Labels"]["org.opencontainers.image.title"], f"pappus-{function}")
            for variable in ("ORT_DISABLE_TELEMETRY=1", "PAPPUS_HOME=/tmp/pappus"):
                self.assertIn(variable, config["Env"])

    def test_predict_is_live_on_a_read_only_root_with_no_home_given_and_not_ready_without_a_model(self):
        container = alone("predict")
        container.wait_for("/health/live")
        container.wait_for("/health/ready", 503)
        self.assertEqual(container.stop(), 0)

    def test_predict_answers_as_a_user_without_rights_in_256_mb(self):
        home, pictures = released_home()
        container = alone("predict", home)
        seconds = container.wait_for("/health/ready")
        self.assertEqual(container.users(), {USER})
        for picture in pictures:
            status, read = container.ask("POST", "/predict", picture.read_bytes(), {"content-type": "image/jpeg"})
            self.assertEqual(status, 200, read[:200])
            self.assertEqual(sorted(json.loads(read)["all_probabilities"]), sorted({path.parent.name for path in pictures}))
        self.assertEqual(container.ask("GET", "/metrics")[0], 200)
        peak = container.peak()
        self.assertEqual(container.stop(), 0)
        told(f"ready {seconds * 1000:.0f} ms after docker run was called, at most {peak:.0f} MB resident")

    def test_ingest_takes_an_objects_event_in_once(self):
        home, pictures = released_home()
        picture = pictures[0]
        key = f"incoming/{picture.parent.name}/{picture.name}"
        put = home / "objects" / key
        put.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(picture, put)
        for path in [put, *put.relative_to(home).parents]:
            os.chown(home / path, USER, USER)
        event = json.loads((TOP / "tests/events/s3-put.json").read_text())
        event["Records"][0]["s3"]["object"]["key"] = key
        container = alone("ingest", home)
        container.wait_for("/health/ready")
        self.assertEqual(container.users(), {USER})
        stored = lambda: sorted(path.name for path in (home / "objects/images").rglob("*") if path.is_file())  # noqa: E731
        before, ids = stored(), []
        for _ in range(2):
            status, read = container.ask("POST", "/events", json.dumps(event), {"content-type": "application/json"})
            self.assertEqual(status, 200, read[:200])
            self.assertIn(b"io.pappus.image.ingested", read)
            ids.append(stored())
        self.assertEqual((len(ids[0]) - len(before), ids[1] == ids[0]), (1, True))
        self.assertEqual(container.stop(), 0)

    def test_predict_stopped_under_load_answers_what_was_asked_and_exits_with_0(self):
        home, pictures = released_home()
        totals, took, failures = {}, [], []
        for _ in range(ROUNDS):
            container = alone("predict", home)
            container.wait_for("/health/ready")
            load = Load(pictures[0].read_bytes())
            load.run(container.pid, lambda: os.kill(container.pid, signal.SIGTERM))
            self.assertEqual(container.exit_code(), 0)
            took.append(time.monotonic() - load.stopped)
            totals = {what: totals.get(what, 0) + count for what, count in load.counts.items()}
            failures += load.failures
        self.assertEqual(failures[:5], [], f"{totals}, in {ROUNDS} stops {len(failures)} requests failed")
        told(
            f"{totals['before']} answered before the stop, {totals['after']} after it, {totals['failed']} failed; "
            f"{totals['not taken']} sent after it not taken, {totals['refused']} refused; {KEPT} kept and {NEW} new "
            f"connections at a time; ended within {max(took) * 1000:.0f} ms"
        )
