"""Whether the local overlay fits a machine of 4 cores and 8 GB, Knative itself beside it, and each overlay its own quota."""

import unittest
from decimal import Decimal

import rendered
import yaml
from rendered import of_kind

CORES, MEMORY = Decimal(4), 8 * 10**9
UNITS = {"m": Decimal("0.001"), "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "": 1}


def number(quantity):
    """What Kubernetes means by `250m` or `1Gi`."""
    quantity = str(quantity)
    digits = quantity.rstrip("KMGim")
    return Decimal(digits) * UNITS[quantity[len(digits) :]]


def total(manifests, which, resource, revisions=1, trainings=1):
    """The sum over all pods that may be there at once: those of functions have Knative's proxy too, which says nothing of
    itself, so that the LimitRange does. While one revision follows another there are two of each function."""
    (limits,) = of_kind(manifests, "LimitRange")
    proxy = number(limits["spec"]["limits"][0]["default" if which == "limits" else "defaultRequest"][resource])
    sum_of = Decimal(0)
    for name, template in rendered.templates(manifests).items():
        pods = 1
        if name.startswith("Service "):
            pods = revisions * int(template["metadata"]["annotations"]["autoscaling.knative.dev/max-scale"])
            sum_of += pods * proxy
        elif name == "Job train":
            pods = trainings
        sum_of += pods * sum(number(each["resources"][which][resource]) for each in template["spec"]["containers"])
    return sum_of


def knative(resource):
    """What Knative's own pods ask for, those that a cluster with serving and eventing runs."""
    found = rendered.knative()
    folders = [
        found["serving"] / "config/core/deployments",
        found["eventing"] / "config/core/deployments",
        found["eventing"] / "config/brokers/mt-channel-broker/deployments",
        found["eventing"] / "config/channels/in-memory-channel/deployments",
    ]
    sum_of = Decimal(0)
    for file in (file for folder in folders for file in folder.glob("*.yaml")):
        for each in yaml.safe_load_all(file.read_text()):
            if each and each["kind"] == "Deployment":
                for container in each["spec"]["template"]["spec"]["containers"]:
                    asked = container.get("resources", {}).get("requests", {})
                    sum_of += number(asked.get(resource, 0))
    return sum_of


class Sums(unittest.TestCase):
    def test_every_container_says_what_it_needs_and_may_take(self):
        for name in rendered.OVERLAYS:
            for where, template in rendered.templates(rendered.overlay(name)).items():
                for container in template["spec"]["containers"]:
                    for which in ("requests", "limits"):
                        self.assertEqual(set(container["resources"][which]), {"cpu", "memory"}, where)

    def test_airflow_is_more_than_the_machine_has(self):
        """Which is why it is not part of the overlay local; one with it fits its quota, and a machine of 12 GB."""
        both = rendered.overlay("local-airflow")
        memory, cores = total(both, "limits", "memory"), total(both, "requests", "cpu")
        asked = total(both, "requests", "memory")
        print(f"local with Airflow: {memory / 2**20} MiB at most; {asked / 2**20} MiB and {cores} cores are asked for")
        self.assertGreater(memory, MEMORY)
        (quota,) = of_kind(both, "ResourceQuota")
        hard = quota["spec"]["hard"]
        self.assertLessEqual(memory, number(hard["limits.memory"]))
        self.assertLessEqual(number(hard["limits.memory"]), 12 * 10**9)
        self.assertLessEqual(asked, number(hard["requests.memory"]))
        self.assertLessEqual(cores, number(hard["requests.cpu"]))
        self.assertLess(knative("cpu") + cores, CORES)

    def test_what_may_be_taken_fits_the_machine(self):
        local = rendered.overlay("local")
        memory = total(local, "limits", "memory")
        print(f"local: {memory / 2**20} MiB at most; {total(local, 'requests', 'memory') / 2**20} MiB and "
              f"{total(local, 'requests', 'cpu')} cores are asked for")
        self.assertLess(memory, MEMORY)
        (quota,) = of_kind(local, "ResourceQuota")
        hard = quota["spec"]["hard"]
        self.assertLessEqual(memory, number(hard["limits.memory"]))
        self.assertLessEqual(number(hard["limits.memory"]), MEMORY)
        self.assertLessEqual(total(local, "requests", "memory"), number(hard["requests.memory"]))
        self.assertLessEqual(total(local, "requests", "cpu"), number(hard["requests.cpu"]))

    def test_the_quota_of_production_has_room_for_every_pod_that_may_be(self):
        production = rendered.overlay("production")
        (quota,) = of_kind(production, "ResourceQuota")
        for which, resource in (("requests", "cpu"), ("requests", "memory"), ("limits", "memory")):
            taken = total(production, which, resource, revisions=2, trainings=2)
            print(f"production: {which}.{resource} {taken / (1 if resource == 'cpu' else 2**20)}")
            self.assertLessEqual(taken, number(quota["spec"]["hard"][f"{which}.{resource}"]), f"{which}.{resource}")

    def test_what_is_asked_for_fits_the_machine_with_knative_on_it(self):
        local = rendered.overlay("local")
        cores, memory = knative("cpu"), knative("memory")
        print(f"Knative's own: {cores} cores, {memory / 2**20} MiB are asked for")
        self.assertGreater(cores, 0)
        self.assertLess(cores + total(local, "requests", "cpu"), CORES)
        self.assertLess(memory + total(local, "requests", "memory"), MEMORY)
