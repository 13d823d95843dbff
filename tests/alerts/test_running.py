"""Functions that run, watched by Prometheus: what it has of them, and whom Alertmanager tells."""

import json
import pathlib
import re
import sys
import tempfile
import unittest

import homes
from programs import BUILT, TOP, Server, Sink, ask, environment, event, eventually, free_port, function, up
from watching import RULES, Alertmanager, People, Prometheus, grouped, history, panels, rules, run

KEEPER = TOP / "infra/dead-letters/keep.py"
# What Prometheus has of every target, and of alerts.
OF_ITS_OWN = {"up", "scrape_duration_seconds", "ALERTS"}
TARGET = {"job", "instance", "function"}
# Empty while all is well.
MAY_BE_EMPTY = ["alertmanager_notifications_failed_total"]


def asked(home):
    """What was decided because of an alert."""
    return [each for each in homes.pappus(home, "decisions") if each["cause"]["cause"] == "alert"]


def posted(people, *words):
    """Whether a message with all these words has come to people."""
    return any(all(word in body for word in words) for body in people.sent)


@unittest.skipUnless((BUILT / "pappus").exists(), "pappus is not built: cargo build --workspace --bins")
class Running(unittest.TestCase):
    """One after the other, by name: what is watched goes on from test to test, and its functions are stopped at the end."""

    @classmethod
    def setUpClass(cls):
        cls.home = homes.released()
        cls.pictures = homes.pictures()
        # New images, so that another training has something to learn; too few to be a reason by themselves.
        more = pathlib.Path(tempfile.mkdtemp(dir=homes.ROOT)) / "more"
        homes.pappus(homes.ROOT / "unused", "sample", more, "--count", "8", "--seed", "2")
        homes.pappus(cls.home, "ingest", more)
        # An MLflow that is away: what is counted of it is there all the same.
        away = {"PAPPUS_TRACKING": f"http://127.0.0.1:{free_port()}"}
        cls.predict = cls.started(function(cls.home, "predict", **away))
        cls.ingest = cls.started(function(cls.home, "ingest", **away))
        cls.broker = cls.started(Sink())
        folder = pathlib.Path(tempfile.mkdtemp(dir=homes.ROOT))
        # The model of this home is only just trained.
        (folder / "policy.toml").write_text("[retraining]\ncool_down_minutes = 0\n")
        asked_of_it = {"PAPPUS_POLICY": folder / "policy.toml", "K_SINK": cls.broker.url}
        cls.trigger = cls.started(function(cls.home, "train-trigger", **asked_of_it))
        cls.letters = cls.started(Server([sys.executable, KEEPER], environment(DEAD_LETTERS=tempfile.mkdtemp(dir=homes.ROOT), PORT=0)))
        dead = {"ce-id": "7", "ce-source": "/test", "ce-type": "io.pappus.model.trained", "ce-specversion": "1.0"}
        if cls.letters.ask("POST", "/", dead, b"{}")[0] != 202:
            raise AssertionError("a dead letter was not taken")
        cls.people = cls.started(People())
        events = f"http://127.0.0.1:{cls.trigger.port}/events"
        cls.alertmanager = cls.started(Alertmanager(folder, cls.people.url, events))
        version = homes.pappus(cls.home, "status")["release"]["champion"]
        local = "127.0.0.1:{}".format
        places = {
            "host.docker.internal:8080": local(cls.predict.port),
            "host.docker.internal:8081": local(cls.ingest.port),
            "host.docker.internal:8082": local(cls.trigger.port),
            "alertmanager:9093": local(cls.alertmanager.port),
            "dead-letters:80": local(cls.letters.port),
        }
        before = history(version, local(cls.predict.port))
        cls.prometheus = cls.started(Prometheus(folder, places, before))
        cls.eventually("every target answers", lambda: len(cls.prometheus.query("up == 1")) == 6)

    @classmethod
    def started(cls, it):
        cls.addClassCleanup(it.close)
        return it

    @classmethod
    def eventually(cls, what, look):
        return cls.prometheus.until(what, look)

    @classmethod
    def ask_for_answers(cls):
        """Some that come, and one that cannot be given."""
        for label in ("dandelion", "grass"):
            status, _, body = cls.predict.ask("POST", "/predict", {"content-type": "image/jpeg"}, cls.pictures[label][0].read_bytes())
            if status != 200:
                raise AssertionError(f"{status}: {body.decode()}")
        if cls.predict.ask("POST", "/predict", {"content-type": "image/jpeg"}, b"no image")[0] != 400:
            raise AssertionError("what is no image was taken for one")

    def asked(self):
        return asked(self.home)

    def test_1_an_alert_that_training_may_help_with_asks_train_trigger(self):
        self.eventually("AnswersShifted fires", lambda: self.prometheus.firing("AnswersShifted"))
        (decision,) = self.prometheus.until("train-trigger has decided", self.asked)
        self.assertEqual(decision["cause"]["name"], "AnswersShifted")
        # It was reason enough, and there was something to learn: a training is asked for.
        self.assertTrue(decision["run"], decision)

        def asked_for():
            return [json.loads(body)["request"] for headers, body in self.broker.sent if headers["ce-type"] == "io.pappus.training.requested"]

        (request,) = self.prometheus.until("a training is asked for", asked_for)
        self.assertEqual((request["run"], request["reason"]), (decision["run"], "alert AnswersShifted"))
        eventually("people are told too", lambda: posted(self.people, "AnswersShifted", "of the answers of", "docs/runbook.md#answersshifted"))

    def test_2_every_metric_and_label_is_exposed(self):
        self.ask_for_answers()
        exposed = ""
        for server in (self.predict, self.ingest, self.trigger, self.letters, self.prometheus, self.alertmanager):
            exposed += self.scraped(server)
        names = set(re.findall(r"^(\w+)[{ ]", exposed, re.M))
        self.assertIn("predictions_total", names)
        recorded = {rule["record"] for path in RULES for rule in rules(path) if "record" in rule}
        expressions = [rule["expr"] for path in RULES for rule in rules(path)]
        expressions += [expression for *_, several in panels() for expression in several]
        for expression in expressions:
            with self.subTest(expression):
                labels = set()
                selected = self.prometheus.selected(expression)
                self.assertTrue(selected)
                for name, matchers in selected:
                    self.assertTrue(name in names | recorded | OF_ITS_OWN, f"nobody exposes {name}")
                    labels |= self.labels(name)
                    self.assertLessEqual({each["name"] for each in matchers}, self.labels(name), name)
                    of_target = [f'{each["name"]}{each["type"]}"{each["value"]}"' for each in matchers if each["name"] in TARGET]
                    if of_target:
                        self.assertTrue(self.prometheus.query(f"{name}{{{','.join(of_target)}}}"), f"{name} of {of_target}")
                self.assertLessEqual(grouped(expression), labels)

    def scraped(self, server):
        status, _, body = ask(server.port, "GET", "/metrics")
        self.assertEqual(status, 200)
        return body.decode()

    def labels(self, name):
        """Those that the series of a metric have in Prometheus."""
        # The labels of alerts are also those of what they tell of.
        known = TARGET if name == "ALERTS" else set()
        series = self.eventually(f"there is {name}", lambda: self.prometheus.get("/api/v1/series", **{"match[]": f'{{__name__="{name}"}}'})["data"])
        return known | {label for each in series for label in each}

    def test_3_every_panel_shows_something(self):
        # Rates need two looks at what is counted.
        def seen_twice():
            self.ask_for_answers()
            samples = self.prometheus.query('count_over_time(prediction_errors_total[1m])')
            return samples and all(int(each["value"][1]) > 3 for each in samples)

        self.eventually("what predict counts is seen", seen_twice)
        for dashboard, title, expressions in panels():
            for expression in expressions:
                if any(name in expression for name in MAY_BE_EMPTY):
                    self.prometheus.query(expression)
                    continue
                with self.subTest(f"{dashboard}, {title}: {expression}"):
                    self.eventually(f"{title} shows something", lambda: self.shown(expression))

    def shown(self, expression):
        self.ask_for_answers()
        return [each for each in self.prometheus.query(expression) if each["value"][1] != "NaN"]

    def test_4_no_rule_fails(self):
        groups = self.prometheus.get("/api/v1/rules")["data"]["groups"]
        self.assertEqual(len(groups), 3)
        for group in groups:
            for rule in group["rules"]:
                self.assertEqual((rule["health"], rule.get("lastError", "")), ("ok", ""), rule["name"])

    def test_5_a_function_that_is_stopped_is_told_of_to_people_alone(self):
        for each in self.prometheus.get("/api/v1/alerts")["data"]["alerts"]:
            # How fast this machine answers while it does something else is not what is asked here.
            self.assertIn(each["labels"]["alertname"], ("AnswersShifted", "PredictSlow"), "what is well raises nothing")
        before = self.asked()
        self.predict.close()
        (firing,) = self.eventually("FunctionDown fires", lambda: self.prometheus.firing("FunctionDown"))
        self.assertEqual(firing["metric"]["function"], "predict")
        eventually("people are told", lambda: posted(self.people, "FunctionDown", "predict at", "does not answer", "docs/runbook.md#functiondown"))
        # Alertmanager has told all whom it was to tell of this one.
        told = self.alertmanager.get("/api/v2/alerts", filter='alertname="FunctionDown"')
        self.assertEqual([each["name"] for each in told[0]["receivers"]], ["people"])
        self.assertEqual(self.asked(), before)


@unittest.skipUnless((BUILT / "pappus").exists(), "pappus is not built: cargo build --workspace --bins")
class Whole(unittest.TestCase):
    def test_pappus_up_takes_what_alertmanager_tells(self):
        home = homes.released()
        server = up(home)
        self.addCleanup(server.close)
        status, _, said = server.ask("POST", "/events", {"content-type": "application/json"}, json.dumps(event("alertmanager")))
        self.assertIn(status, (200, 204), said)
        (decision,) = server.until("it has decided", lambda: asked(home))
        self.assertEqual(decision["cause"]["name"], "LowConfidence")


class Unset(unittest.TestCase):
    def test_without_a_webhook_of_people_train_trigger_is_told_all_the_same(self):
        trigger = Sink()
        self.addCleanup(trigger.close)
        alertmanager = Alertmanager(pathlib.Path(tempfile.mkdtemp(dir=homes.ROOT)), None, trigger.url)
        self.addCleanup(alertmanager.close)
        server = f"--alertmanager.url=http://127.0.0.1:{alertmanager.port}"
        done = run("amtool", "alert", "add", "AnswersShifted", "retrain=yes", server)
        self.assertEqual(done.returncode, 0, done.stdout)
        alertmanager.until("train-trigger is told", lambda: trigger.sent)
        self.assertIn(b"AnswersShifted", trigger.sent[0][1])

        def counted():
            _, _, text = ask(alertmanager.port, "GET", "/metrics")
            return re.search(r'^alertmanager_notifications_failed_total\{integration="slack".*\} [1-9]', text.decode(), re.M)

        alertmanager.until("that people are not told is counted", counted)
