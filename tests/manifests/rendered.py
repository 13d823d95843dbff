"""What kustomize makes of the manifests, and what Knative itself brings."""

import copy
import functools
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import yaml

TOP = pathlib.Path(__file__).resolve().parents[2]
FOLDER = TOP / "k8s-knative"
OVERLAYS = sorted(path.name for path in (FOLDER / "overlays").iterdir())
COMPONENTS = sorted(path.name for path in (FOLDER / "components").iterdir())
FUNCTIONS = sorted(path.stem for path in (FOLDER / "base/functions").iterdir())
KNATIVE_SERVICE = ("serving.knative.dev/v1", "Service")


def command(*words, said=None, **settings):
    """How a command ended, with what it said."""
    settings |= {"capture_output": True, "text": True, "check": False}
    return subprocess.run([str(word) for word in words], input=said, **settings)


@functools.cache
def text(folder):
    """The manifests of a folder, as kustomize writes them."""
    if not shutil.which("kubectl"):
        raise unittest.SkipTest("kubectl is not here")
    done = command("kubectl", "kustomize", folder)
    if done.returncode:
        raise AssertionError(f"{folder} does not build: {done.stderr}")
    return done.stdout


def objects(folder):
    """The same, as objects."""
    return [each for each in yaml.safe_load_all(text(folder)) if each]


def overlay(name):
    return objects(FOLDER / "overlays" / name)


@functools.cache
def with_component(name):
    """The base with one component (those that others need beside it)."""
    needed = {"mlflow": ["mysql", "minio"]}.get(name, [])
    with tempfile.TemporaryDirectory(prefix="pappus-manifests-") as made:
        up = os.path.relpath(FOLDER, pathlib.Path(made).resolve())
        wanted = {
            "namespace": "pappus",
            "resources": [f"{up}/base"],
            "components": [f"{up}/components/{each}" for each in [*needed, name]],
        }
        (pathlib.Path(made) / "kustomization.yaml").write_text(json.dumps(wanted))
        return objects(pathlib.Path(made).resolve())


def of_kind(manifests, kind, group=None):
    """Those of a kind; `group` where several have it."""
    return [
        each
        for each in manifests
        if each["kind"] == kind and (group is None or each["apiVersion"].partition("/")[0] == group)
    ]


def job(manifests):
    """The template of Jobs in the ConfigMap that train-trigger reads."""
    (found,) = [each for each in of_kind(manifests, "ConfigMap") if each["metadata"]["name"] == "pappus-training"]
    return yaml.safe_load(found["data"]["job.yaml"])


def templates(manifests):
    """Every template of pods, by name."""
    found = {}
    for each in manifests:
        if each["kind"] in ("Deployment", "StatefulSet", "Job") or (each["apiVersion"], each["kind"]) == KNATIVE_SERVICE:
            template = copy.deepcopy(each["spec"]["template"])
            for claim in each["spec"].get("volumeClaimTemplates", []):
                name = claim["metadata"]["name"]
                volume = {"name": name, "persistentVolumeClaim": {"claimName": f"{name}-{each['metadata']['name']}-0"}}
                template["spec"]["volumes"].append(volume)
            found[f"{each['kind']} {each['metadata']['name']}"] = template
    return found | {"Job train": job(manifests)["spec"]["template"]}


@functools.cache
def knative():
    """The folders of Knative's own sources: Go modules of pinned versions, with the checksums that are pinned beside them."""
    if not shutil.which("go"):
        raise unittest.SkipTest("Knative's definitions come as Go modules, and Go is not here")
    folders = {}
    for line in (pathlib.Path(__file__).parent / "knative.sum").read_text().splitlines():
        module, version, checksum = line.split()
        settings = {"cwd": "/", "env": {**os.environ, "GOFLAGS": "", "GOWORK": "off", "GOTOOLCHAIN": "local"}}
        done = command("go", "mod", "download", "-json", f"{module}@{version}", **settings)
        told = json.loads(done.stdout) if done.stdout.strip() else {}
        if done.returncode or "Error" in told:
            raise unittest.SkipTest(f"{module}@{version} cannot be had: {told.get('Error') or done.stderr.strip()}")
        if told["Sum"] != checksum:
            raise AssertionError(f"{module}@{version} is {told['Sum']}, and not {checksum}")
        folders[module.rpartition("/")[2]] = pathlib.Path(told["Dir"])
    return folders


def definitions():
    """Knative's custom resources, as files."""
    found = knative()
    files = [*(found["serving"] / "config/core/300-resources").glob("*.yaml")]
    return sorted(files) + sorted((found["eventing"] / "config/core/resources").glob("*.yaml"))


def kafka_definitions():
    """Those of eventing-kafka-broker, whose own module is not to be had: Knative's operator carries its release 1.15. A source of
    version v1 came with the next one, as a copy of v1beta1, and is made one here; nobody converts between them."""
    file = knative()["operator"] / "cmd/operator/kodata/eventing-source/1.15/kafka/eventing-kafka-controller.yaml"
    found = {
        each["metadata"]["name"]: each
        for each in yaml.safe_load_all(file.read_text())
        if each and each["kind"] == "CustomResourceDefinition"
    }
    source, sink = found["kafkasources.sources.knative.dev"], found["kafkasinks.eventing.knative.dev"]
    (version,) = source["spec"]["versions"]
    source["spec"] |= {"versions": [{**version, "name": "v1"}], "conversion": {"strategy": "None"}}
    return [source, sink]
