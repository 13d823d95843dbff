"""What `scripts/cluster down` removes, told by what it asks of kubectl and kind. Both are stand-ins here, which write down how
they were called: what is proved is the decision, not the removal."""

import os
import pathlib
import tempfile
import unittest

from rendered import TOP, command

KUBECTL = r"""#!/usr/bin/env bash
echo "kubectl $*" >>"$CALLS"
case "$*" in
  "config current-context") echo other ;;
  *"get configmap pappus-cluster"*) printf '%s' "$MADE" ;;
  *api-resources*) printf 'pods\nservices.serving.knative.dev\nbrokers.eventing.knative.dev\n' ;;
  *--all-namespaces*) [ "$USED" != unknown ] || exit 1; printf '%s\n' $USED ;;
  *--field-selector*) echo namespace/there ;;
esac
"""
KIND = '#!/usr/bin/env bash\necho "kind $*" >>"$CALLS"\n'


class Down(unittest.TestCase):
    def down(self, *options, made="", used="pappus knative-serving", said=""):
        """How it ended, and every call that removes something."""
        with tempfile.TemporaryDirectory(prefix="pappus-manifests-") as made_here:
            folder = pathlib.Path(made_here)
            for name, text in (("kubectl", KUBECTL), ("kind", KIND)):
                (folder / name).write_text(text)
                (folder / name).chmod(0o755)
            calls = folder / "calls"
            told = {"CALLS": str(calls), "MADE": made, "USED": used, "PATH": f"{folder}:{os.environ['PATH']}"}
            done = command(TOP / "scripts/cluster", "down", *options, said=said, env={**os.environ, **told})
            return done, [call for call in calls.read_text().splitlines() if " delete " in call]

    def test_without_a_yes_nothing_is_removed(self):
        for said in ("", "n\n"):
            done, removed = self.down(said=said)
            self.assertEqual((done.returncode, removed), (1, []), done.stderr)
            self.assertIn("nothing was removed", done.stderr)
        done, removed = self.down(said="y\n")
        self.assertEqual((done.returncode, len(removed)), (0, 1), done.stderr)

    def test_knative_stays(self):
        done, removed = self.down("--yes")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(removed, ["kubectl delete namespace pappus --ignore-not-found --timeout=10m"])

    def test_knative_goes_where_that_is_said_but_no_definition(self):
        done, removed = self.down("--yes", "--knative")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(
            "kubectl delete namespace -l app.kubernetes.io/managed-by=pappus-cluster --timeout=10m", removed
        )
        for call in removed:
            self.assertNotRegex(call, r"crd|customresourcedefinition| -f |--filename|--all\b")

    def test_knative_stays_where_others_use_it_or_that_is_unknown(self):
        for used in ("pappus team-b", "unknown"):
            done, removed = self.down("--yes", "--knative", used=used)
            self.assertEqual((done.returncode, removed), (1, []), done.stderr)
            self.assertIn("nothing was removed", done.stderr)

    def test_a_kind_cluster_goes_only_where_up_made_it(self):
        done, removed = self.down("--yes", "--kind", "ours", made="configmap/pappus-cluster")
        self.assertEqual((done.returncode, removed), (0, ["kind delete cluster --name ours"]), done.stderr)
        done, removed = self.down("--yes", "--kind", "theirs")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(
            removed, ["kubectl --context kind-theirs delete namespace pappus --ignore-not-found --timeout=10m"]
        )
