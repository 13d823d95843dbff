"""AWS Lambda, as cargo-lambda emulates it."""

import json
import re
import subprocess
import tempfile

from programs import BUILT, TOP, Program, ask, environment, free_port, tool


class Emulator(Program):
    """cargo-lambda's emulator, and the functions that poll it. They are started here: cargo would build them again."""

    def __init__(self):
        self.port, self.functions = free_port(), []
        watch = ["lambda", "watch", "--only-lambda-apis", "--manifest-path", TOP / "Cargo.toml", "--offline"]
        command = [tool("cargo-lambda"), *watch, "--invoke-address", "127.0.0.1", "--invoke-port", self.port]
        super().__init__(command, environment())
        self.listens_on(self.port)

    def start(self, name, home, **variables):
        lambda_ = {
            "AWS_LAMBDA_RUNTIME_API": f"http://127.0.0.1:{self.port}/.rt/pappus-{name}",
            "AWS_LAMBDA_FUNCTION_NAME": f"pappus-{name}",
            "AWS_LAMBDA_FUNCTION_VERSION": "1",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "4096",
        }
        program = Program([BUILT / f"pappus-{name}"], environment(PAPPUS_HOME=home, **lambda_, **variables))
        self.functions.append(program)
        program.until("it polls", lambda: "ready for invocations" in program.log())

    def close(self):
        for program in self.functions:
            program.close()
        super().close()

    def invoke(self, name, payload):
        """The answer of an invocation; where it is an error, its type and its message without white space."""
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(payload, file)
            file.flush()
            return self.invoke_file(name, file.name)

    def invoke_file(self, name, path):
        where = ["--invoke-address", "127.0.0.1", "--invoke-port", str(self.port)]
        command = [tool("cargo-lambda"), "lambda", "invoke", f"pappus-{name}", *where, "--data-file", path]
        done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False, timeout=60)
        if done.returncode == 0:
            return json.loads(done.stdout)
        kind, message = re.search(r"Error: (\w+)\s+× (.*?)\n\s*\n", done.stderr + "\n\n", re.DOTALL).groups()
        return kind, squeezed(message.replace("│", ""))

    def ask(self, name, method, path, headers=(), body=None):
        return ask(self.port, method, f"/lambda-url/pappus-{name}{path}", headers, body)


def squeezed(text):
    return re.sub(r"\s", "", text)
