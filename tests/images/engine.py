"""Docker Engine, a base image of our own, and the images of this commit."""

import contextlib
import ctypes
import functools
import http.client
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from importlib.machinery import SourceFileLoader

TOP = pathlib.Path(__file__).resolve().parents[2]
package = SourceFileLoader("package", str(TOP / "scripts/package")).load_module()

USER = 65532
PORT = 8080
BASE = "pappus-test/base:here"
PREFIX, TAG = "pappus-test/", "test"
PATIENCE = 60  # seconds, for whatever is waited for


class Wrong(AssertionError):
    pass


class Engine:
    """Docker Engine: the one that runs, else one of our own under a temporary folder."""

    def __init__(self):
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="pappus-images."))
        self.work.chmod(0o755)
        self.daemon, self.containers, self.networks, self.images = None, [], [], []
        # What else a test began, for the end of the test or of all.
        self.undo = contextlib.ExitStack()
        try:
            self.begin()
        except BaseException:
            self.close()
            raise

    def begin(self):
        if not sys.platform.startswith("linux") or os.geteuid() != 0:
            raise unittest.SkipTest("only root on Linux can enter a container's network")
        self.install()
        try:
            self.docker = package.docker_command()
        except package.Failed as reason:
            raise unittest.SkipTest(str(reason)) from None
        if subprocess.run([self.docker, "info"], capture_output=True).returncode:
            self.start()

    def install(self):
        wanted = {"dockerd": "docker.io", "debootstrap": "debootstrap"}
        absent = [name for command, name in wanted.items() if not shutil.which(command)]
        if not absent:
            return
        if not shutil.which("apt-get"):
            raise unittest.SkipTest(f"{' and '.join(absent)} not here, and no apt-get to install with")
        told("installing", *absent)
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        quiet = {"env": environment, "stdout": subprocess.DEVNULL}
        subprocess.run(["apt-get", "update", "-qq"], **quiet)
        command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *absent]
        if subprocess.run(command, **quiet).returncode:
            raise unittest.SkipTest(f"{' and '.join(absent)} cannot be installed")

    def start(self):
        os.environ["DOCKER_HOST"] = f"unix://{self.work}/docker.sock"
        command = ["dockerd", "--host", os.environ["DOCKER_HOST"], "--pidfile", self.work / "docker.pid"]
        command += ["--data-root", self.work / "data", "--exec-root", self.work / "exec"]
        # No network but those that tests make, which lead nowhere: so nothing of this machine's is touched.
        command += ["--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-forward=false", "--ip-masq=false"]
        log = self.work / "dockerd.log"
        with log.open("w") as out:
            self.daemon = subprocess.Popen(command, stdout=out, stderr=out, start_new_session=True)
        answers = [self.docker, "info"]
        running = lambda: self.daemon.poll() is None  # noqa: E731
        if not until(lambda: not running() or subprocess.run(answers, capture_output=True).returncode == 0) or not running():
            lines = log.read_text().strip().splitlines() or ["it says nothing"]
            raise unittest.SkipTest(f"Docker Engine cannot run here: {lines[-1]}")

    def close(self):
        self.undo.close()
        # Bridges of networks are this machine's; images go with an engine of our own.
        made = [("container", self.containers), ("network", self.networks)]
        for kind, names in made + ([("image", self.images)] if self.daemon is None else []):
            for name in names:
                forced = [] if kind == "network" else ["--force"]
                subprocess.run([self.docker, kind, "rm", *forced, name], capture_output=True)
        if self.daemon is not None:
            self.daemon.terminate()
            try:
                self.daemon.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.daemon.kill()
                self.daemon.wait()
        shutil.rmtree(self.work, ignore_errors=True)

    def __call__(self, *arguments):
        ended = subprocess.run([self.docker, *map(str, arguments)], capture_output=True, text=True)
        if ended.returncode:
            raise Wrong(f"docker {arguments[0]}: {ended.stderr.strip()}")
        return ended.stdout.strip()

    def inspect(self, name, what):
        return json.loads(self("inspect", "--format", f"{{{{json {what}}}}}", name))

    def network(self, name):
        """A network that leads nowhere but to this machine, and the address of this machine in it."""
        made = self("network", "create", "--internal", f"{name}-{os.getpid()}")
        self.networks.append(made)
        return made, self.inspect(made, "(index .IPAM.Config 0).Gateway")

    @functools.cache
    def images_of(self, *functions):
        """Builds the images of functions, with nothing pulled."""
        self.base()
        command = [TOP / "scripts/package", "image", *functions, "--base", BASE, "--prefix", PREFIX, "--tag", TAG]
        command += ["--built", built()] if built() else ["--prebuilt"]
        self.images += [image(name) for name in functions]
        if subprocess.run(command, stdout=sys.stderr).returncode:
            raise Wrong("the images were not built")

    @functools.cache
    def base(self):
        """Imports a minimal Debian, made as this machine's own is."""
        kept = package.target() / "test-images"
        kept.mkdir(parents=True, exist_ok=True)
        lines = pathlib.Path("/etc/os-release").read_text().splitlines()
        suite = dict(line.split("=", 1) for line in lines if "=" in line).get("VERSION_CODENAME", "stable").strip('"')
        archive = kept / f"{suite}-certificates.tar"
        if not archive.is_file():
            told("making a minimal Debian:", suite)
            asked = subprocess.run(["apt-get", "indextargets", "--format", "$(REPO_URI)"], capture_output=True, text=True)
            mirror = asked.stdout.split()[:1]
            root = self.work / "base"
            # With the certificates of authorities, as the base of what is published has them.
            command = ["debootstrap", "--variant=minbase", "--include=ca-certificates", suite, root, *mirror]
            made = subprocess.run(command, capture_output=True, text=True)
            if made.returncode:
                raise unittest.SkipTest(f"debootstrap made no base image: {(made.stdout + made.stderr).strip().splitlines()[-1]}")
            shutil.rmtree(root / "var/cache/apt")
            subprocess.run(["tar", "-C", root, "-cf", archive.with_suffix(".part"), "."], check=True)
            archive.with_suffix(".part").replace(archive)
            shutil.rmtree(root)
        self("import", archive, BASE)
        self.images.append(BASE)


def image(function):
    return f"{PREFIX}pappus-{function}:{TAG}"


def built():
    """Where programs are built already; nothing where they have to be."""
    return os.environ.get("PAPPUS_TEST_PROGRAMS")


# The one that all tests share.
_engine = []


def engine():
    """Skips, again for each test, where there can be none."""
    if not _engine:
        try:
            _engine.append(Engine())
        except unittest.SkipTest as reason:
            _engine.append(reason)
    if isinstance(_engine[0], unittest.SkipTest):
        raise _engine[0]
    return _engine[0]


def close():
    if _engine and isinstance(_engine[0], Engine):
        _engine[0].close()


# What is stopped from outside cleans up too.
signal.signal(signal.SIGTERM, signal.default_int_handler)


@functools.cache
def pappus_program():
    """The command line, which draws pictures and trains the first model."""
    if built():
        return pathlib.Path(built()) / "pappus"
    environment = {**os.environ, "CARGO_TARGET_DIR": str(package.target())}
    command = ["cargo", "build", "--locked", "--package", "pappus"]
    if subprocess.run(command, cwd=TOP, stdout=sys.stderr, env=environment).returncode:
        raise Wrong("pappus could not be built")
    return package.target() / "debug/pappus"


def pappus(home, *arguments):
    """What the command line says."""
    environment = {**os.environ, "ORT_DYLIB_PATH": str(package.onnxruntime(package.own_arch())), "PAPPUS_LOG": "error"}
    command = [pappus_program(), "--home", home, "--json", *arguments]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True)
    if ended.returncode:
        raise Wrong(f"pappus {arguments[0]}: {ended.stderr.strip() or ended.stdout.strip()}")
    return ended.stdout


class Container:
    """A function in a container that runs until it is stopped."""

    def __init__(self, function, options, arguments=()):
        self.engine, self.function = engine(), function
        self.begun = time.monotonic()
        self.id = self.engine("run", "--detach", *options, image(function), *arguments)
        self.engine.containers.append(self.id)
        self.pid = self.engine.inspect(self.id, ".State.Pid")

    def ask(self, method, path, body=None, headers=None, timeout=PATIENCE):
        with network_of(self.pid):
            connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=timeout)
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            read = answer.read()
            connection.close()
        return answer.status, read

    def running(self):
        return self.engine.inspect(self.id, ".State.Running")

    def wait_for(self, path, status=200):
        seen = []

        def reached():
            if not self.running():
                raise Wrong(f"{self.function} ended by itself:\n{self.logs()}")
            try:
                seen[:] = self.ask("GET", path)
            except (OSError, http.client.HTTPException) as error:
                seen[:] = [error]
            return seen[0] == status

        if not until(reached):
            raise Wrong(f"{self.function} did not answer {path} with {status}, but with {seen}:\n{self.logs()}")
        return time.monotonic() - self.begun

    def peak(self):
        """The most memory it had resident, in MB."""
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) / 1000

    def status(self, name):
        """A line of what the kernel says of its process."""
        return pathlib.Path(f"/proc/{self.pid}/status").read_text().split(f"{name}:")[1].split("\n")[0].split()

    def users(self):
        return {int(word) for word in self.status("Uid")}

    def stop(self):
        os.kill(self.pid, signal.SIGTERM)
        return self.exit_code()

    def exit_code(self, patience=PATIENCE):
        command = [self.engine.docker, "wait", self.id]
        return int(subprocess.run(command, capture_output=True, text=True, timeout=patience).stdout)

    def logs(self, lines=20):
        ended = subprocess.run([self.engine.docker, "logs", "--tail", str(lines), self.id], capture_output=True, text=True)
        return ended.stdout + ended.stderr


@contextlib.contextmanager
def network_of(pid):
    """Puts this thread, and those that it starts, into a process's network."""
    libc = ctypes.CDLL(None, use_errno=True)

    def enter(file):
        if libc.setns(file.fileno(), 0x40000000):  # CLONE_NEWNET
            raise OSError(ctypes.get_errno(), "setns")

    with open("/proc/thread-self/ns/net") as own, open(f"/proc/{pid}/ns/net") as other:
        enter(other)
        try:
            yield
        finally:
            enter(own)


def until(reached, patience=PATIENCE, pause=0.01):
    end = time.monotonic() + patience
    while not reached():
        if time.monotonic() > end:
            return False
        time.sleep(pause)
    return True


def told(*words):
    print(*words, file=sys.stderr, flush=True)
