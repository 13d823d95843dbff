"""Airflow's component, beside the DAGs that it runs and the requirements that they are tested with."""

import re
import unittest

import rendered
from rendered import TOP, of_kind

FOLDER = TOP / "infra/airflow"


class Airflow(unittest.TestCase):
    def setUp(self):
        self.manifests = rendered.with_component("airflow")
        template = rendered.templates(self.manifests)["Deployment airflow"]
        self.volumes = {each["name"]: each for each in template["spec"]["volumes"]}
        self.containers = {each["name"]: each for each in template["spec"]["containers"]}
        self.images = {each["image"] for each in template["spec"]["containers"] + template["spec"]["initContainers"]}
        (self.settings,) = [
            each["data"] for each in of_kind(self.manifests, "ConfigMap") if each["metadata"]["name"].startswith("airflow-")
            and "AIRFLOW_HOME" in each["data"]
        ]

    def test_its_version_is_the_one_that_the_dags_are_tested_with(self):
        (version,) = re.findall(r"^apache-airflow==(\S+)", (FOLDER / "requirements.txt").read_text(), re.M)
        self.assertEqual(self.images, {f"apache/airflow:{version}"})

    def test_every_file_of_the_dags_is_mounted_and_is_the_file_itself(self):
        files = {file.name: file.read_text() for file in (FOLDER / "dags").glob("*.py")}
        self.assertGreater(len(files), 1)
        (held,) = [each for each in of_kind(self.manifests, "ConfigMap") if set(each["data"]) == set(files)]
        self.assertEqual(held["data"], files)
        for name in ("scheduler", "dag-processor"):
            mounted = {
                each["mountPath"]: each["subPath"]
                for each in self.containers[name]["volumeMounts"]
                if self.volumes[each["name"]].get("configMap", {}).get("name") == held["metadata"]["name"]
            }
            self.assertEqual(mounted, {f"{self.settings['AIRFLOW__CORE__DAGS_FOLDER']}/{file}": file for file in files}, name)

    def test_every_connection_of_the_dags_is_there_and_only_where_tasks_run(self):
        text = "".join(file.read_text() for file in (FOLDER / "dags").glob("*.py"))
        asked = set(re.findall(r"asking\(\"(\w+)\"", text)) | set(re.findall(r"pappus_([a-z_]+)[\"\'`]", text))
        wanted = {f"AIRFLOW_CONN_PAPPUS_{name.upper()}" for name in asked - {"functions", "extraction", "retraining"}}
        self.assertGreater(len(wanted), 4)
        for name, container in self.containers.items():
            said = {each["name"] for each in container["env"] if each["name"].startswith("AIRFLOW_CONN_")}
            self.assertEqual(said, wanted if name == "scheduler" else set(), name)

    def test_functions_are_asked_with_a_key_that_no_manifest_holds(self):
        said = {each["name"]: each for each in self.containers["scheduler"]["env"]}
        self.assertEqual(said["PAPPUS_KEY"]["valueFrom"], {"secretKeyRef": {"name": "airflow", "key": "pappus-key"}})
        names = list(said)
        for function in ("train-trigger", "evaluate", "promote", "ingest"):
            name = f"AIRFLOW_CONN_PAPPUS_{function.upper().replace('-', '_')}"
            self.assertEqual(said[name]["value"], f"http://airflow:$(PAPPUS_KEY)@{function}.pappus.svc.cluster.local")
            # Kubernetes puts in what was said before.
            self.assertLess(names.index("PAPPUS_KEY"), names.index(name))
