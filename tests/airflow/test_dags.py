"""The DAGs of infra/airflow, run by Apache Airflow against `pappus up`."""

import functools
import http.server
import json
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import threading
import unittest

import homes
from programs import BUILT, TOP, Server, Sink, environment, eventually, tool

DAGS = TOP / "infra/airflow/dags"
FUNCTIONS = ("train_trigger", "evaluate", "promote", "ingest")
# As many as leave the twenty test images that a release asks for.
ENOUGH = 110
# Only what Airflow asks for is trained, and not what images ask for by coming.
# `pappus up` begins nothing by itself: a schedule of the policy's would be its own as well as the DAG's.
POLICY = "[retraining]\nnew_images = 1000000\n"
WISH = {"reason": "to see that it can be done"}
# A DAG: with the time that Airflow needs to begin.
PATIENCE = 600


@functools.cache
def airflow_home():
    """A folder of Airflow's own, with its database."""
    home = pathlib.Path(tempfile.mkdtemp(dir=homes.ROOT))
    airflow(home, "db", "migrate")
    return home


def settings(home):
    return {
        "AIRFLOW_HOME": home,
        "AIRFLOW__CORE__DAGS_FOLDER": DAGS,
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY": "1",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def airflow(home, *arguments, **variables):
    """What Airflow's command line says; fails with it."""
    command = [str(part) for part in (tool("airflow"), *arguments)]
    variables = environment(**settings(home), **variables)
    done = subprocess.run(
        command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=PATIENCE
    )
    if done.returncode:
        raise Failed(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


class Failed(AssertionError):
    pass


def connection(url):
    """As it must be written where the URL has a path."""
    return json.dumps({"conn_type": "http", "host": url})


def drawn(count):
    """A folder of so many pictures of each class."""
    folder = pathlib.Path(tempfile.mkdtemp(dir=homes.ROOT)) / "pictures"
    homes.pappus(homes.ROOT / "unused", "sample", folder, "--count", str(count))
    return folder


class Files:
    """A folder, over HTTP."""

    def __init__(self, folder):
        handler = functools.partial(QuietHandler, directory=str(folder))
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


class Dags(unittest.TestCase):
    def setUp(self):
        self.home = homes.empty() / "home"
        self.sink = Sink()
        self.addCleanup(self.sink.close)

    def up(self):
        policy = self.home.with_name("policy.toml")
        policy.write_text(POLICY)
        variables = environment(PAPPUS_HOME=self.home, PAPPUS_POLICY=policy)
        self.server = Server([BUILT / "pappus", "up", "--port", "0"], variables)
        self.addCleanup(self.server.close)

    def ingested(self, count):
        """A home with so many pictures of each class."""
        homes.pappus(self.home, "ingest", drawn(count))

    def run_dag(self, name, conf=None, **connections):
        """Runs a DAG against `pappus up`: its log."""
        functions = {name: f"http://127.0.0.1:{self.server.port}" for name in FUNCTIONS}
        functions |= {"notify": connection(self.sink.url)} | connections
        variables = {f"AIRFLOW_CONN_PAPPUS_{name.upper()}": value for name, value in functions.items()}
        conf = ["--conf", json.dumps(conf)] if conf else []
        return airflow(airflow_home(), "dags", "test", name, *conf, **variables)

    def get(self, path):
        status, _, body = self.server.ask("GET", path)
        self.assertEqual(status, 200, body)
        return json.loads(body)

    def post(self, path, body):
        headers = {"content-type": "application/json"}
        status, _, answer = self.server.ask("POST", path, headers, json.dumps(body).encode())
        self.assertEqual(status, 200, answer)
        return json.loads(answer)

    def decision(self):
        """The last one that was asked for: `pappus up` also decides by itself."""
        decisions = self.get("/decisions?limit=100")["decisions"]
        return next(one for one in decisions if one["cause"]["cause"] != "change")

    def begun(self):
        """The run that was begun last."""
        decisions = self.get("/decisions?limit=100")["decisions"]
        return self.get(f"/runs/{next(one['run'] for one in decisions if one['train'])}")

    def release(self):
        return self.get("/release")["release"]

    def runs(self):
        return self.get("/runs")["runs"]

    def told(self):
        """What the webhook was told since it was last asked."""
        told = [json.loads(body) for _, body in self.sink.sent]
        self.sink.sent.clear()
        return told

    def test_dags_are_sound(self):
        # Read as soon as it is imported.
        os.environ.update({name: str(value) for name, value in settings(airflow_home()).items()})
        from airflow.dag_processing.dagbag import BundleDagBag

        # A cycle is an error of the import.
        bag = BundleDagBag(DAGS, bundle_path=DAGS, bundle_name="dags-folder")
        self.assertEqual(bag.import_errors, {})
        self.assertEqual(set(bag.dags), {"pappus_retraining", "pappus_extraction"})
        for dag in bag.dags.values():
            self.assertEqual((dag.max_active_runs, dag.catchup), (1, False))
            self.assertTrue(dag.dagrun_timeout)
            for task in dag.tasks:
                self.assertTrue(task.retries and task.execution_timeout, task)

    def test_images_come_from_a_list(self):
        self.up()
        folder = drawn(40)
        files = Files(folder)
        self.addCleanup(files.close)
        pictures = [(picture.parent.name, picture.name) for picture in folder.glob("*/*.jpg")]
        rows = [f"{files.url}/{label}/{name},{label}" for label, name in [*pictures, ("grass", "none.jpg")]]
        (folder / "list.csv").write_text("\n".join(["url_source,label", *rows]))

        log = self.run_dag("pappus_extraction", sources=connection(f"{files.url}/list.csv"))
        self.assertRegex(log, rf"{files.url}/grass/none\.jpg.*answered 404")
        (told,) = self.told()
        self.assertEqual((told["stored"], told["known"], told["failed"]), (len(pictures), 0, 1))
        self.assertEqual(homes.pappus(self.home, "status")["images"]["stored"], len(pictures))

        self.run_dag("pappus_extraction", sources=connection(f"{files.url}/list.csv"))
        (told,) = self.told()
        self.assertEqual((told["stored"], told["known"], told["failed"]), (0, len(pictures), 1))

    def test_a_list_without_its_columns_fails_at_once(self):
        self.up()
        folder = pathlib.Path(tempfile.mkdtemp(dir=homes.ROOT))
        (folder / "list.csv").write_text("url,label\n")
        files = Files(folder)
        self.addCleanup(files.close)
        with self.assertRaisesRegex(Failed, r"/list\.csv has no column url_source"):
            self.run_dag("pappus_extraction", sources=connection(f"{files.url}/list.csv"))
        (told,) = self.told()
        self.assertEqual(told["outcome"], "failed")

    def test_a_model_is_trained_judged_and_released_once(self):
        self.ingested(ENOUGH)
        self.up()
        self.run_dag("pappus_retraining", conf=WISH)
        run = self.begun()
        self.assertEqual(run["status"], "succeeded")
        version = run["version"]
        (told,) = self.told()
        self.assertEqual((told["outcome"], told["version"]), ("released", version))
        self.assertEqual(self.release()["champion"], version)
        eventually("it answers", lambda: self.server.ask("GET", "/model/info")[0] == 200)
        self.assertEqual(self.get("/model/info")["model_version"], version)
        self.assertTrue(self.post("/evaluate", {"version": version})["passed"])

        log = self.run_dag("pappus_retraining")
        decision = self.decision()
        self.assertEqual((decision["train"], decision["run"]), (False, None))
        self.assertIn(decision["summary"], log)
        self.assertEqual((self.told(), len(self.runs())), ([], 1))

        # Whoever gives a reason is obeyed; the same images make the same version, which answers already.
        self.run_dag("pappus_retraining", conf=WISH)
        run = self.begun()
        self.assertEqual((run["status"], run["version"], len(self.runs())), ("succeeded", version, 2))
        (told,) = self.told()
        self.assertEqual((told["outcome"], told["version"]), ("released", version))

    def test_what_does_not_pass_is_not_released(self):
        self.ingested(15)
        self.up()
        self.run_dag("pappus_retraining", conf=WISH)
        version = self.begun()["version"]
        self.assertFalse(self.post("/evaluate", {"version": version})["passed"])
        (told,) = self.told()
        self.assertEqual((told["outcome"], told["version"]), ("kept", version))
        self.assertIsNone(self.release())

    def test_a_training_that_fails_fails_the_run(self):
        # One class only: nothing can be learned.
        folder = drawn(10)
        shutil.rmtree(folder / "grass")
        homes.pappus(self.home, "ingest", folder)
        self.up()
        with self.assertRaises(Failed) as failed:
            self.run_dag("pappus_retraining", conf=WISH)
        run = self.begun()
        self.assertEqual(run["status"], "failed")
        self.assertIn(f"run {run['run']} failed: {run['message']}", str(failed.exception))
        self.assertEqual([told["outcome"] for told in self.told()], ["failed"])

    def test_a_dead_function_fails_the_run_after_its_retries(self):
        self.up()
        # Taken, and nobody listens.
        with socket.socket() as taken, self.assertRaises(Failed) as failed:
            taken.bind(("127.0.0.1", 0))
            self.run_dag("pappus_retraining", train_trigger=f"http://127.0.0.1:{taken.getsockname()[1]}")
        log = str(failed.exception)
        self.assertIn("Connection refused", log)
        self.assertEqual(log.count("running task <TaskInstance: pappus_retraining.check_performance"), 4, log)
        self.assertEqual([told["outcome"] for told in self.told()], ["failed"])
        self.assertEqual(self.runs(), [])
