"""What was destroyed is as it was, once it is restored; and what is damaged is not restored."""

import hashlib
import itertools
import json
import os
import pathlib
import shutil
import signal
import subprocess
import threading
import unittest

import homes
from programs import BUILT, TARGET, TOP, environment, eventually, up
from test_services import Folder

# Of what a home says of itself: what is where it is, and not in it.
PLACES = ("catalog", "objects")


def script(name, *arguments, **variables):
    """What a script says, and how it ends."""
    command = [str(part) for part in (TOP / "scripts" / name, *arguments)]
    variables = environment(**{"CARGO_TARGET_DIR": TARGET} | variables)
    return subprocess.run(command, env=variables, capture_output=True, text=True, check=False)


def made(*arguments):
    """The backup that was made."""
    done = script("backup", *arguments, "--pappus", BUILT / "pappus", "--json")
    if done.returncode:
        raise AssertionError(f"no backup: {done.stderr}")
    return json.loads(done.stdout)


def restored(*arguments):
    done = script("restore", *arguments, "--pappus", BUILT / "pappus")
    if done.returncode:
        raise AssertionError(f"not restored: {done.stderr}")
    return done.stdout


def said(variables, *arguments):
    """What the command line says of the home that these variables name."""
    command = [BUILT / "pappus", "--json", *arguments]
    done = subprocess.run(command, env=environment(**variables), capture_output=True, check=False)
    if done.returncode:
        raise AssertionError(f"pappus {' '.join(map(str, arguments))} failed: {done.stderr.decode()}")
    return json.loads(done.stdout)


def told(variables):
    """Everything that a home says of itself, and that has to be the same afterwards."""
    status = said(variables, "status")
    status = {name: value for name, value in status.items() if name not in PLACES}
    return {"status": status} | {what: said(variables, what) for what in ("images", "runs", "models", "decisions")}


def answer(variables, picture):
    """The answer for a picture, without what is of this one request."""
    (given,) = said(variables, "predict", picture)
    return {name: given[name] for name in ("class", "probabilities", "version")}


def lived():
    """A home with images, a model that was trained and released, and predictions; and one of these."""
    home = homes.released()
    predicted = homes.pappus(home, "predict", homes.pictures()["dandelion"][0])
    return home, predicted[0]["id"]


def program(folder, text):
    """A program in place of `pappus`."""
    path = folder / "program"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def files(folder):
    return {path.relative_to(folder): path for path in sorted(folder.rglob("*")) if path.is_file()}


def bytes_of(folder):
    return {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files(folder).items()}


class Embedded(unittest.TestCase):
    def setUp(self):
        self.folder = homes.empty()
        self.backups = self.folder / "backups"

    def test_a_home_that_was_destroyed_answers_as_before(self):
        home, prediction = lived()
        variables = {"PAPPUS_HOME": home}
        picture = homes.pictures()["grass"][1]
        before, why = told(variables), said(variables, "why", prediction)
        backup = pathlib.Path(made(home, self.backups)["backup"])
        answered = answer(variables, picture)
        kept = bytes_of(backup)

        shutil.rmtree(home)
        restored(self.backups, home)

        self.assertEqual(told(variables), before)
        self.assertEqual(said(variables, "why", prediction), why)
        self.assertEqual(answer(variables, picture), answered)
        self.assertGreater(before["status"]["ledger_entries"], 0)
        self.assertEqual(len(before["status"]["last_predictions"]), 1)
        self.assertEqual(bytes_of(backup), kept, "a backup is only read")

    def test_the_next_one_takes_the_room_of_what_is_new(self):
        home = homes.filled()
        first = made(home, self.backups)
        new = self.folder / "new"
        homes.pappus(home, "sample", new, "--count", "3", "--seed", "77")
        homes.pappus(home, "ingest", new)
        second = made(home, self.backups)

        self.assertEqual(first["linked"], 0)
        before, after = (files(pathlib.Path(one["backup"]) / "home/objects/images") for one in (first, second))
        self.assertEqual(len(after), len(before) + 6)
        for name, path in before.items():
            self.assertTrue(path.samefile(after[name]), name)
        # Each stands alone: the second is whole without the first.
        shutil.rmtree(first["backup"])
        restored(self.backups, self.folder / "again")
        self.assertEqual(told({"PAPPUS_HOME": self.folder / "again"}), told({"PAPPUS_HOME": home}))

    def test_damage_in_one_backup_does_not_spread_to_the_next(self):
        home = homes.filled()
        first = pathlib.Path(made(home, self.backups)["backup"])
        image = next(iter(files(first / "home/objects/images").values()))
        image.write_bytes(b"x" * image.stat().st_size)
        second = made(home, self.backups)["backup"]
        self.assertEqual(script("restore", first, "--check").returncode, 1)
        self.assertEqual(script("restore", second, "--check").returncode, 0)

    def test_as_many_stay_as_are_to_be_kept(self):
        home = homes.filled()
        names = [pathlib.Path(made(home, self.backups)["backup"]).name for _ in range(3)]
        last = made(home, self.backups, "--keep", "2")
        self.assertEqual(last["removed"], names[:2])
        left = sorted(path.name for path in self.backups.iterdir() if path.is_dir())
        self.assertEqual(left, sorted([names[2], pathlib.Path(last["backup"]).name]))
        restored(last["backup"], self.folder / "again")

    def test_a_damaged_backup_is_refused(self):
        backup = pathlib.Path(made(homes.filled(), self.backups)["backup"])
        image = next(iter(files(backup / "home/objects/images").values())).relative_to(backup)

        def other(path):
            path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:])

        def shorter(path):
            path.write_bytes(path.read_bytes()[:-1])

        def cut(path):
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

        damages = [
            (image, other, "has other bytes"),
            (image, shorter, "has other bytes"),
            (image, pathlib.Path.unlink, "is missing"),
            ("home/catalog.db", other, "has other bytes"),
            ("home/objects/images/stranger", lambda path: path.write_bytes(b"x"), "does not belong to it"),
            ("SHA256SUMS", shorter, "SHA256SUMS"),
            ("manifest.json", cut, "damaged"),
        ]
        for name, damage, expected in damages:
            with self.subTest(name=str(name), expected=expected):
                damaged = shutil.copytree(backup, homes.empty() / "backup")
                damage(damaged / name)
                home = self.folder / "home"
                done = script("restore", damaged, home, "--pappus", BUILT / "pappus")
                self.assertEqual(done.returncode, 1, done.stderr)
                self.assertIn(expected, done.stderr)
                self.assertFalse(home.exists())

    def test_a_home_with_something_in_it_is_refused_unless_told(self):
        home = homes.filled()
        made(home, self.backups)
        refused = script("restore", self.backups, home, "--pappus", BUILT / "pappus")
        self.assertEqual(refused.returncode, 2)
        self.assertIn("is not empty", refused.stderr)
        # What was lost comes back, and what is there stays.
        before = bytes_of(home / "objects/images")
        for path in list(files(home / "objects/images").values())[:5]:
            path.unlink()
        restored(self.backups, home, "--anyway")
        self.assertEqual(bytes_of(home / "objects/images"), before)

    def test_another_home_does_not_become_this_one(self):
        made(homes.filled(), self.backups)
        home = homes.released()
        before = told({"PAPPUS_HOME": home})
        done = script("restore", self.backups, home, "--anyway", "--pappus", BUILT / "pappus")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertEqual(told({"PAPPUS_HOME": home}), before)

    def test_an_interrupted_backup_leaves_nothing(self):
        home, started = homes.filled(), self.folder / "started"
        # As a copy that takes long: $4 is where it goes.
        slow = program(self.folder, f'mkdir -p "$4"; echo $$ >"{started}.part"; mv "{started}.part" "{started}"; exec sleep 600')
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(signal=number.name):
                started.unlink(missing_ok=True)
                command = [TOP / "scripts/backup", home, self.backups, "--pappus", slow]
                with subprocess.Popen(command, env=environment(), stderr=subprocess.PIPE, text=True) as running:
                    eventually("the copy has begun", started.exists)
                    running.send_signal(number)
                    said = running.communicate(timeout=60)[1]
                self.assertEqual(running.returncode, 130)
                self.assertIn("error: interrupted", said)
                self.assertEqual([path.name for path in self.backups.iterdir()], [".lock"])
                self.assertFalse(pathlib.Path(f"/proc/{started.read_text().strip()}").exists())
        made(home, self.backups)

    def test_what_a_killed_backup_left_is_removed_by_the_next(self):
        home, started = homes.filled(), self.folder / "started"
        slow = program(self.folder, f'mkdir -p "$4"; echo $$ >"{started}.part"; mv "{started}.part" "{started}"; exec sleep 600')
        with subprocess.Popen([TOP / "scripts/backup", home, self.backups, "--pappus", slow], env=environment()) as running:
            eventually("the copy has begun", started.exists)
            running.kill()
        os.kill(int(started.read_text()), signal.SIGKILL)
        self.assertEqual(len(list(self.backups.glob(".unfinished-*"))), 1)
        self.assertEqual(script("restore", self.backups, "--check").returncode, 2, "half a backup is none")
        made(home, self.backups)
        self.assertEqual(list(self.backups.glob(".unfinished-*")), [])

    def test_a_home_that_changed_meanwhile_is_copied_again(self):
        home, count = homes.filled(), self.folder / "count"
        fails = f'echo >>"{count}"; [ $(wc -l <"{count}") -ge %d ] || {{ echo "error: they are not the same" >&2; exit 1; }}'
        once = program(self.folder, f'{fails % 2}; exec "{BUILT}/pappus" "$@"')
        done = script("backup", home, self.backups, "--pappus", once)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("trying again", done.stderr)
        count.unlink()
        always = program(self.folder, fails % 1000)
        done = script("backup", home, self.backups, "--pappus", always)
        self.assertEqual(done.returncode, 1)
        self.assertIn("let nothing write to", done.stderr)
        self.assertEqual(len(list(self.backups.glob("2*"))), 1)

    def test_a_home_that_is_written_to_without_rest_is_copied_as_it_was_at_one_moment(self):
        home, prediction = lived()
        server, stop, said_of_it = up(home), threading.Event(), []
        # As on a slow machine: it works for a moment, and then others do.
        slow = program(
            self.folder,
            f'"{BUILT}/pappus" "$@" & copying=$!\nwhile kill -0 $copying 2>/dev/null; do kill -STOP $copying; sleep 0.2; '
            "kill -CONT $copying; sleep 0.01; done\nwait $copying",
        )

        def labelling():
            # The later word on a prediction replaces the earlier: a record that no two readings find the same.
            for label in itertools.cycle(("grass", "dandelion")):
                if stop.is_set():
                    return
                body = json.dumps({"label": label})
                path = f"/predictions/{prediction}/feedback"
                said_of_it.append(server.ask("POST", path, {"content-type": "application/json"}, body)[0])

        def ingesting():
            for number in itertools.count(1000):
                if stop.is_set():
                    return
                new = self.folder / f"new-{number}"
                homes.pappus(home, "sample", new, "--count", "2", "--seed", str(number))
                homes.pappus(home, "ingest", new)

        writers = [threading.Thread(target=one) for one in (labelling, labelling, ingesting)]
        for writer in writers:
            writer.start()
        try:
            eventually("it is written to", lambda: said_of_it)
            begun = len(said_of_it)
            backup = script("backup", home, self.backups, "--pappus", slow, "--json")
            eventually("it is written to on", lambda: len(said_of_it) > begun + 10)
        finally:
            stop.set()
            for writer in writers:
                writer.join()
            server.close()
        self.assertEqual(set(said_of_it), {200})
        self.assertEqual((backup.returncode, backup.stderr), (0, ""), "at the first try")
        records = json.loads((pathlib.Path(json.loads(backup.stdout)["backup"]) / "manifest.json").read_text())["records"]

        restored(self.backups, self.folder / "again")
        again = {"PAPPUS_HOME": self.folder / "again"}
        self.assertEqual(said(again, "status")["images"]["stored"], records["images"]["count"])
        self.assertEqual((records["predictions"]["count"], records["feedback"]["count"]), (1, 1))
        # Every image that it knows has its bytes.
        known = {image["id"] for image in said(again, "images", "--limit", "1000000")}
        held = {path.name for path in files(self.folder / "again/objects/images").values()}
        self.assertGreaterEqual(len(known), 80)
        self.assertLessEqual(known, held)

    def test_wrong_usage_is_told_with_what_to_do(self):
        home = homes.filled()
        for arguments, expected in [
            (("backup",), "HOME"),
            (("backup", home, self.backups, "--keep", "0"), "1 or more"),
            (("backup", home, home / "backups"), "is inside"),
            (("backup", self.folder / "nowhere", self.backups, "--pappus", BUILT / "pappus"), "is no home"),
            (("backup", home, self.backups, "--pappus", home), "is no program"),
            (("restore", self.backups), "--check"),
            (("restore", self.folder / "nowhere", home), "is not there"),
            (("restore", homes.pictures()["grass"][0].parent, home), "there is none in it"),
        ]:
            with self.subTest(arguments=arguments[0], expected=expected):
                done = script(*arguments)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn(expected, done.stderr)
                self.assertNotIn("Traceback", done.stderr)
        for name in ("backup", "restore"):
            self.assertIn("Exit code 0", script(name, "--help").stdout)


class OnServers(unittest.TestCase):
    def test_minio_and_mariadb_are_destroyed_and_restored(self):
        services, folder = Folder(self), homes.empty()
        first = self.home(services, folder)
        home, prediction = lived()
        homes.pappus(home, "migrate", home, first)
        variables = self.variables(first)
        before, why = told(variables), said(variables, "why", prediction)
        made(first, folder / "backups")
        answered = answer(variables, homes.pictures()["grass"][1])

        services.do("stop")
        shutil.rmtree(services.path)
        shutil.rmtree(home)

        second = self.home(services, folder)
        self.assertNotEqual(self.variables(second)["PAPPUS_CATALOG"], variables["PAPPUS_CATALOG"])
        restored(folder / "backups", second)
        variables = self.variables(second)
        self.assertEqual(told(variables), before)
        self.assertEqual(said(variables, "why", prediction), why)
        self.assertEqual(answer(variables, homes.pictures()["grass"][1]), answered)
        refused = script("restore", folder / "backups", second, "--pappus", BUILT / "pappus")
        self.assertEqual(refused.returncode, 2, refused.stderr)
        self.assertIn("is not empty", refused.stderr)
        # And from servers onto a laptop.
        restored(folder / "backups", folder / "laptop")
        self.assertEqual(told({"PAPPUS_HOME": folder / "laptop"}), before)

    def home(self, services, folder):
        """A file of settings for servers that are new."""
        found = {}
        for name in ("mariadb", "minio"):
            services.start(name)
            for line in services.do("settings", name).stdout.splitlines():
                if line.startswith("export "):
                    variable, value = line.removeprefix("export ").split("=", 1)
                    found[variable] = value
        path = folder / f"settings-{len(list(folder.glob('settings-*')))}.env"
        wanted = ("PAPPUS_OBJECTS", "PAPPUS_CATALOG", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
        path.write_text("".join(f"{variable}={found[variable]}\n" for variable in wanted))
        return path

    def variables(self, home):
        lines = [line.split("=", 1) for line in home.read_text().splitlines()]
        return {name: value.strip("'") for name, value in lines}


if __name__ == "__main__":
    unittest.main()
