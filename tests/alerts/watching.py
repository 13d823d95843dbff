"""Prometheus and Alertmanager, as infra/ has them, and what they are given to watch."""

import contextlib
import http.server
import json
import os
import pathlib
import re
import subprocess
import threading
import time
import urllib.parse

import yaml
from programs import TOP, Program, ask, environment, free_port

PROGRAMS = pathlib.Path(os.environ["PAPPUS_TEST_WATCHING"])
INFRA = TOP / "infra"
RULES = sorted((INFRA / "prometheus/rules").glob("*.yml"))
DASHBOARDS = sorted((INFRA / "grafana/dashboards").glob("*.json"))
# What Alertmanager's configuration names by this path is mounted there.
MOUNTED = "/etc/alertmanager/"


def run(program, *arguments, **settings):
    """How a program of theirs ended, with all that it said."""
    command = [PROGRAMS / program, *arguments]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **settings)


def rules(path):
    return [rule for group in yaml.safe_load(path.read_text())["groups"] for rule in group["rules"]]


def alerts():
    """Every alert, by name."""
    return {rule["alert"]: rule for path in RULES for rule in rules(path) if "alert" in rule}


def panels():
    """The panels of all dashboards that ask for something: dashboard, title, expressions."""
    for path in DASHBOARDS:
        for panel in json.loads(path.read_text())["panels"]:
            if "targets" in panel:
                # As Grafana fills it in where Prometheus is asked each 15 seconds.
                yield path.stem, panel["title"], [each["expr"].replace("$__rate_interval", "1m") for each in panel["targets"]]


class People:
    """A webhook as Slack's is, which answers `ok`; keeps what it is told."""

    def __init__(self):
        self.sent = sent = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                sent.append(self.rfile.read(int(self.headers["content-length"])).decode())
                self.send_response(200)
                self.send_header("content-type", "text/plain")
                self.send_header("content-length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/services/secret"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()


class Watch(Program):
    """A server of theirs."""

    def __init__(self, program, port, *arguments):
        self.port = port
        address = f"--web.listen-address=127.0.0.1:{port}"
        super().__init__([PROGRAMS / program, address, *arguments], environment())
        self.until(f"{program} is ready", self.is_ready)

    def is_ready(self):
        with contextlib.suppress(OSError):
            return ask(self.port, "GET", "/-/ready")[0] == 200

    def get(self, path, **asked):
        """What its API says."""
        status, _, body = ask(self.port, "GET", f"{path}?{urllib.parse.urlencode(asked, doseq=True)}")
        if status != 200:
            raise AssertionError(f"{path} {asked}: {status}: {body.decode()}")
        return json.loads(body)


class Alertmanager(Watch):
    """With its own configuration, which waits less, and tells `people` (or nobody) and `train_trigger`: URLs."""

    def __init__(self, folder, people, train_trigger):
        folder = folder / "alertmanager"
        (folder / "secrets").mkdir(parents=True)
        if people:
            (folder / "secrets/webhook").write_text(people)
        (folder / "train-trigger").write_text(f"{train_trigger}\n")
        text = (INFRA / "alertmanager/alertmanager.yml").read_text().replace(MOUNTED, f"{folder}/")
        text, count = re.subn(r"(group_wait|group_interval): \w+", r"\1: 1s", text)
        if count != 2:
            raise AssertionError("alertmanager.yml does not say how long it waits")
        (folder / "alertmanager.yml").write_text(text)
        paths = f"--config.file={folder}/alertmanager.yml", f"--storage.path={folder}/data"
        super().__init__("alertmanager", free_port(), *paths, "--cluster.listen-address=")


class Prometheus(Watch):
    """With the configuration of Docker Compose and its rules, which wait less; `places`: where each of its targets is here."""

    def __init__(self, folder, places, history=""):
        folder = folder / "prometheus"
        (folder / "rules").mkdir(parents=True)
        configuration = yaml.safe_load((INFRA / "prometheus/prometheus.yml").read_text())
        configuration["global"] = {"scrape_interval": "2s", "evaluation_interval": "1s"}
        # In a cluster alone there is a broker, and what keeps its dead letters.
        in_a_cluster = yaml.safe_load((INFRA / "prometheus/cluster.yml").read_text())["scrape_configs"]
        configuration["scrape_configs"] += [each for each in in_a_cluster if each["job_name"] == "dead-letters"]
        statics = [each for scraped in configuration["scrape_configs"] for each in scraped["static_configs"]]
        statics += configuration["alerting"]["alertmanagers"][0]["static_configs"]
        port = free_port()
        places = {**places, "localhost:9090": f"localhost:{port}"}
        for each in statics:
            each["targets"] = [places[target] for target in each["targets"]]
        for name in configuration["rule_files"]:
            text = re.sub(r"^( +)for: \w+$", r"\1for: 5s", (INFRA / "prometheus" / name).read_text(), flags=re.M)
            (folder / name).write_text(re.sub(r"^ +interval: \w+\n", "", text, flags=re.M))
        file = folder / "prometheus.yml"
        file.write_text(yaml.safe_dump(configuration))
        if history:
            (folder / "history").write_text(history)
            made = run("promtool", "tsdb", "create-blocks-from", "openmetrics", folder / "history", folder / "data")
            if made.returncode:
                raise AssertionError(f"the history was not taken: {made.stdout}")
        super().__init__("prometheus", port, f"--config.file={file}", f"--storage.tsdb.path={folder}/data")

    def query(self, expression, **asked):
        """The samples of an expression now."""
        return self.get("/api/v1/query", query=expression, **asked)["data"]["result"]

    def firing(self, name):
        return self.query(f'ALERTS{{alertname="{name}", alertstate="firing"}}')

    def selected(self, expression):
        """Selectors of an expression, as Prometheus reads it: of each its name and matchers."""
        found = []

        def walk(node):
            if isinstance(node, dict):
                if node.get("type") in ("vectorSelector", "matrixSelector"):
                    found.append((node["name"], [each for each in node["matchers"] if each["name"] != "__name__"]))
                for each in node.values():
                    walk(each)
            elif isinstance(node, list):
                for each in node:
                    walk(each)

        walk(self.get("/api/v1/parse_query", query=expression)["data"])
        return found


def grouped(expression):
    """Labels by which an expression groups, joins or selects."""
    lists = re.findall(r"\b(?:by|on|without|ignoring|group_left|group_right) ?\(([^)]*)\)", expression)
    matched = re.findall(r"(\w+) ?(?:=~|!~|!=|=)\s*\"", expression)
    return {label.strip() for each in lists for label in each.split(",") if label.strip()} | set(matched)


def history(version, instance, days=8, quarters=4):
    """Answers of days that are over, each quarter of an hour: half of them dandelions, but on the last day nine of ten."""
    now = int(time.time())
    labels = f'model_version="{version}",job="pappus",function="predict",instance="{instance}"'
    lines, counts = ["# TYPE predictions counter"], {"dandelion": 0, "grass": 0}
    samples = {name: [] for name in counts}
    for number in range(days * 24 * quarters):
        at = now - days * 86400 + number * 3600 // quarters
        last = at > now - 86400
        for name, more in {"dandelion": 9 if last else 5, "grass": 1 if last else 5}.items():
            counts[name] += more
            samples[name].append(f'predictions_total{{{labels},predicted_class="{name}"}} {counts[name]} {at}')
    return "\n".join([*lines, *samples["dandelion"], *samples["grass"], "# EOF"]) + "\n"
