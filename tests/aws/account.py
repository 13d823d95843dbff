"""An account of AWS: moto, and before it what moto does not do itself.

moto keeps the resources. Before it stands a server that every request goes through. It holds the functions to the policies
of their roles, which moto would not do; runs the functions, as the configuration in moto says, with the code that their
zips in moto hold, behind cargo-lambda's emulator of the runtime API (moto wants Docker for that); and moves events as the
deployed rules, targets and permissions say, and as the template says of the bucket, whose notifications moto's
CloudFormation passes over.
"""

import ast
import collections
import contextlib
import fnmatch
import functools
import http.client
import http.server
import io
import json
import pathlib
import re
import tempfile
import threading
import time
import traceback
import uuid
import zipfile
from urllib.parse import parse_qs, parse_qsl, quote_plus, unquote, urlsplit
from xml.sax.saxutils import escape

from actions import gives, several, wanted
from constraints import refusal
from emulator import Emulator
from programs import DEADLINE, Program, environment, free_port, tool
from template import TEMPLATE, read

REGION, ACCOUNT = "eu-west-3", "123456789012"
PLACE = f"{REGION}:{ACCOUNT}"
# Asynchronous invocations: AWS waits minutes between them.
TRIES = 3
# Of one invocation: a debug build trains slowly.
LONGEST = 900


class Account:
    def __init__(self):
        self._closing = contextlib.ExitStack()
        keys = {"AWS_ACCESS_KEY_ID": "operator", "AWS_SECRET_ACCESS_KEY": "operator", "AWS_EC2_METADATA_DISABLED": "true"}
        port = free_port()
        self.moto = Program([tool("moto_server"), "--host", "127.0.0.1", "--port", port], environment(**keys))
        self._closing.callback(self.moto.close)
        self.moto.listens_on(port)
        self._moto_port = port
        self._emulator = Emulator()
        self._closing.callback(self._emulator.close)
        self._folder = pathlib.Path(self._closing.enter_context(tempfile.TemporaryDirectory(prefix="pappus-aws-")))
        self._changed = threading.Condition()
        self._waiting = collections.defaultdict(collections.deque)
        self._running = {}
        self._workers, self._held, self._busy = {}, set(), 0
        self._locks = collections.defaultdict(threading.Lock)
        self._clients, self._policies = {}, {}
        self.used = collections.defaultdict(set)
        self.denied, self.faults, self.moved = [], [], []
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._closing.callback(self._stop)
        self.operator = keys | {"AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION, "AWS_ENDPOINT_URL": self.url}

    def _stop(self):
        self._server.shutdown()
        self._server.server_close()
        for running in self._running.values():
            running.program.close()

    def close(self):
        self._closing.close()

    def client(self, service, through=None):
        """A client of the account; by default it goes round this server, and is moto's alone."""
        with self._locks["clients"]:
            if (service, through) not in self._clients:
                self._clients[service, through] = self._new_client(service, through)
            return self._clients[service, through]

    def _new_client(self, service, through):
        import boto3

        keys = {"aws_access_key_id": "operator", "aws_secret_access_key": "operator", "region_name": REGION}
        return boto3.client(service, endpoint_url=through or f"http://127.0.0.1:{self._moto_port}", **keys)

    # ---- functions ---------------------------------------------------------------------------------------------------

    def invoke(self, name, payload):
        """Its answer, and whether that is an error."""
        with self._locks[name]:
            try:
                self._start(name)
            except AssertionError as ended:
                return {"errorType": "Runtime.ExitError", "errorMessage": str(ended)}, True
            connection = http.client.HTTPConnection("127.0.0.1", self._emulator.port, timeout=LONGEST)
            with contextlib.closing(connection):
                connection.request("POST", f"/2015-03-31/functions/{self._emulated(name)}/invocations", json.dumps(payload))
                answer = connection.getresponse()
                return json.loads(answer.read() or "null"), answer.status != 200

    def _emulated(self, name):
        """The emulator knows functions by the names of programs."""
        return f"pappus{name.removeprefix(self._stack_of(name)['StackName'])}"

    def invoke_later(self, name, payload, why):
        self.moved.append((why, name))
        with self._changed:
            self._waiting[name].append(payload)
            self._busy += 1
            if name not in self._workers:
                self._workers[name] = threading.Thread(target=self._work, args=(name,), daemon=True)
                self._workers[name].start()
            self._changed.notify_all()

    def _work(self, name):
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting[name] and name not in self._held)
                payload = self._waiting[name].popleft()
            try:
                self._try(name, payload)
            finally:
                with self._changed:
                    self._busy -= 1
                    self._changed.notify_all()

    def _try(self, name, payload):
        for _ in range(TRIES):
            answer, failed = self.invoke(name, payload)
            if not failed:
                return
        queue = self.template_of(name)["DeadLetterConfig"]["TargetArn"]["Fn::GetAtt"][0]
        queue = self.physical(queue)
        assert gives(self.policies(name), "sqs:SendMessage", f"arn:aws:sqs:{PLACE}:{queue}"), "it may not tell its queue"
        sqs = self.client("sqs")
        attributes = {"ErrorMessage": {"DataType": "String", "StringValue": json.dumps(answer)[:1000]}}
        url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
        sqs.send_message(QueueUrl=url, MessageBody=json.dumps(payload), MessageAttributes=attributes)

    @contextlib.contextmanager
    def held(self, name):
        """What a function is to do asynchronously waits meanwhile, as it may."""
        with self._changed:
            self._held.add(name)
        yield
        with self._changed:
            self._held.discard(name)
            self._changed.notify_all()

    def settle(self, but=None):
        """Waits until nothing is under way any more, or nothing but what `but` is held from."""
        idle = lambda: self._busy == (len(self._waiting[but]) if but else 0)
        with self._changed:
            if not self._changed.wait_for(idle, LONGEST):
                raise AssertionError(f"still under way: {dict(self._waiting)}")

    def _start(self, name):
        """Starts what the function's code is now, unless that runs."""
        configuration = self.client("lambda").get_function_configuration(FunctionName=name)
        variables = configuration["Environment"]["Variables"]
        what = (configuration["CodeSha256"], tuple(sorted(variables.items())))
        running = self._running.get(name)
        if running and running.what == what:
            return
        if running:
            del self._running[name]
            running.program.close()
        folder = pathlib.Path(tempfile.mkdtemp(dir=self._folder))
        self._unzip(name, folder)
        scratch = folder / "tmp"
        scratch.mkdir()
        # An environment has a /tmp of its own.
        variables = {key: value.replace("/tmp/", f"{scratch}/") for key, value in variables.items()}
        lambda_ = {
            "AWS_LAMBDA_RUNTIME_API": f"http://127.0.0.1:{self._emulator.port}/.rt/{self._emulated(name)}",
            "AWS_LAMBDA_FUNCTION_NAME": name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": configuration["MemorySize"],
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": f"role.{name}",
            "AWS_SECRET_ACCESS_KEY": "role",
            "AWS_SESSION_TOKEN": "role",
        }
        here = {"AWS_ENDPOINT_URL": self.url, "AWS_EC2_METADATA_DISABLED": "true"}
        program = Program([folder / configuration["Handler"]], environment(**variables, **lambda_, **here))
        try:
            program.until("it polls", lambda: "ready for invocations" in program.log())
        except AssertionError:
            program.close()
            raise
        self._running[name] = _Running(what, program)

    def _unzip(self, name, folder):
        code = self.template_of(name)["Code"]
        stack = self._stack_of(name)
        told = {each["ParameterKey"]: each["ParameterValue"] for each in stack["Parameters"]}
        zipped = self.client("s3").get_object(Bucket=told[code["S3Bucket"]["Ref"]], Key=told[code["S3Key"]["Ref"]])
        with zipfile.ZipFile(io.BytesIO(zipped["Body"].read())) as archive:
            for entry in archive.infolist():
                pathlib.Path(archive.extract(entry, folder)).chmod(entry.external_attr >> 16 & 0o777)

    def log(self, name):
        return self._running[name].program.log() if name in self._running else ""

    # ---- what the stack says -----------------------------------------------------------------------------------------

    def _stack_of(self, name):
        stacks = self.client("cloudformation").describe_stacks()["Stacks"]
        return next(stack for stack in stacks if name.startswith(f"{stack['StackName']}-"))

    def template(self, stack):
        body = self.client("cloudformation").get_template(StackName=stack)["TemplateBody"]
        # It is long, and asked for by every request.
        return parsed(body) if isinstance(body, str) else body

    def template_of(self, name):
        """What the deployed template says of a function."""
        stack = self._stack_of(name)["StackName"]
        functions = self.template(stack)["Resources"].values()
        sub = f"${{AWS::StackName}}{name.removeprefix(stack)}"
        return next(each["Properties"] for each in functions if each["Properties"].get("FunctionName") == {"Fn::Sub": sub})

    def deployed(self, name):
        """The template that a function is deployed by, and the parameters."""
        stack = self._stack_of(name)
        parameters = {each["ParameterKey"]: each["ParameterValue"] for each in stack["Parameters"]}
        return self.template(stack["StackName"]), parameters

    def physical(self, logical):
        (stack,) = (each["StackName"] for each in self.client("cloudformation").describe_stacks()["Stacks"])
        resources = self.client("cloudformation").describe_stack_resources(StackName=stack)["StackResources"]
        found = next(each["PhysicalResourceId"] for each in resources if each.get("LogicalResourceId") == logical)
        return found.rpartition("/")[2]

    def policies(self, name):
        """The statements of the role that moto has for a function."""
        if name not in self._policies:
            role = self.client("lambda").get_function_configuration(FunctionName=name)["Role"].rpartition("/")[2]
            iam = self.client("iam")
            names = iam.list_role_policies(RoleName=role)["PolicyNames"]
            documents = [iam.get_role_policy(RoleName=role, PolicyName=each)["PolicyDocument"] for each in names]
            # moto gives what CloudFormation made as Python writes it.
            documents = [ast.literal_eval(each) if isinstance(each, str) else each for each in documents]
            self._policies[name] = [each for document in documents for each in several(document["Statement"])]
        return self._policies[name]

    def may_be_invoked(self, name, service, by):
        """Whether the function's own policy lets a service invoke it on behalf of a resource."""
        statements = json.loads(self.client("lambda").get_policy(FunctionName=name)["Policy"])["Statement"]
        for statement in statements:
            if statement["Principal"] == {"Service": service}:
                if fnmatch.fnmatchcase(by, statement["Condition"]["ArnLike"]["AWS:SourceArn"]):
                    return True
        return False

    # ---- what is asked -----------------------------------------------------------------------------------------------

    def answer(self, method, path, headers, body):
        credential = headers.get("authorization", "").partition("Credential=")[2].split("/")
        who = credential[0].removeprefix("role.") if credential[0].startswith("role.") else None
        if who:
            for action, resource in wanted(method, path, headers, body, PLACE):
                if not gives(self.policies(who), action, resource):
                    self.denied.append((who, action, resource))
                    return denied(credential[3], f"{who} is not authorized to perform: {action} on resource: {resource}")
                self.used[who].add((action, resource))
        parts = urlsplit(path)
        if parts.path.startswith("/2015-03-31/functions/") and parts.path.endswith("/invocations"):
            return self._invocation(parts.path.split("/")[3], headers, json.loads(body or "null"))
        if headers.get("x-amz-target", "").endswith(".PutEvents"):
            return self._events(json.loads(body)["Entries"])
        if credential[3:4] == ["cloudformation"] and (why := self._refused(dict(parse_qsl(body.decode(), True)))):
            return invalid(why)
        told = self._forward(method, path, headers, body)
        if credential[3:4] == ["cloudformation"]:
            self._policies.clear()
            told = told[0], told[1], without_secrets(told[2])
        if told[0] == 200 and credential[3:4] == ["s3"]:
            self._notify(method, parts)
        return told

    def _refused(self, asked):
        """Why CloudFormation would not take a change."""
        if asked["Action"] != "CreateChangeSet":
            return None
        stacks = self.client("cloudformation").describe_stacks()["Stacks"]
        before = [each["Parameters"] for each in stacks if each["StackName"] == asked["StackName"] and "Parameters" in each]
        values = {each["ParameterKey"]: each["ParameterValue"] for each in sum(before, [])}
        for part in [key.removesuffix("Key") for key in asked if key.endswith(".ParameterKey")]:
            if f"{part}Value" in asked:
                values[asked[f"{part}Key"]] = asked[f"{part}Value"]
        return refusal(read(asked["TemplateBody"]), values)

    def _invocation(self, name, headers, payload):
        if headers.get("x-amz-invocation-type") == "Event":
            self.invoke_later(name, payload, "invoked")
            return 202, {}, b""
        answer, failed = self.invoke(name, payload)
        return 200, {"x-amz-function-error": "Unhandled"} if failed else {}, json.dumps(answer).encode()

    def _forward(self, method, path, headers, body):
        connection = http.client.HTTPConnection("127.0.0.1", self._moto_port, timeout=DEADLINE)
        passed = {name: value for name, value in headers.items() if name not in ("expect", "transfer-encoding", "connection")}
        passed["content-length"] = str(len(body))
        with contextlib.closing(connection):
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in passed.items():
                connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            drop = ("transfer-encoding", "connection", "date", "server")
            return answer.status, {k.lower(): v for k, v in answer.getheaders() if k.lower() not in drop}, answer.read()

    def _events(self, entries):
        """Events onto a bus. moto matches them too, but fails where a function is the target."""
        from moto.events.models import EventPattern

        events = self.client("events")
        for entry in entries:
            now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            event = {"version": "0", "id": str(uuid.uuid4()), "detail-type": entry["DetailType"], "source": entry["Source"]}
            event |= {"account": ACCOUNT, "time": now, "region": REGION, "resources": [], "detail": json.loads(entry["Detail"])}
            bus = entry["EventBusName"]
            for rule in events.list_rules(EventBusName=bus)["Rules"]:
                pattern = json.loads(rule["EventPattern"])
                if rule["State"] != "ENABLED" or not EventPattern(rule["EventPattern"], pattern).matches_event(event):
                    continue
                for target in events.list_targets_by_rule(Rule=rule["Name"], EventBusName=bus)["Targets"]:
                    name = target["Arn"].rpartition(":")[2]
                    assert self.may_be_invoked(name, "events.amazonaws.com", rule["Arn"]), (rule["Name"], name)
                    self.invoke_later(name, event, entry["DetailType"])
        told = {"FailedEntryCount": 0, "Entries": [{"EventId": str(uuid.uuid4())} for _ in entries]}
        return 200, {"content-type": "application/x-amz-json-1.1"}, json.dumps(told).encode()

    def tick(self, rule):
        """The time of a schedule has come."""
        events = self.client("events")
        (rule,) = events.list_rules(NamePrefix=rule)["Rules"]
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        event = {"version": "0", "id": str(uuid.uuid4()), "detail-type": "Scheduled Event", "source": "aws.events"}
        event |= {"account": ACCOUNT, "time": now, "region": REGION, "resources": [rule["Arn"]], "detail": {}}
        for target in events.list_targets_by_rule(Rule=rule["Name"])["Targets"]:
            name = target["Arn"].rpartition(":")[2]
            assert self.may_be_invoked(name, "events.amazonaws.com", rule["Arn"]), name
            self.invoke_later(name, event, "Scheduled Event")

    def _notify(self, method, parts):
        bucket, _, key = unquote(parts.path).lstrip("/").partition("/")
        query = parse_qs(parts.query, keep_blank_values=True)
        kind = {("PUT", False): "Put", ("POST", True): "CompleteMultipartUpload"}.get((method, "uploadId" in query))
        if not key or kind is None:
            return
        for stack in self.client("cloudformation").describe_stacks()["Stacks"]:
            if stack["StackStatus"].endswith("_COMPLETE") and bucket == f"{stack['StackName']}-{ACCOUNT}-{REGION}":
                self._tell(stack["StackName"], bucket, key, f"ObjectCreated:{kind}")

    def _tell(self, stack, bucket, key, kind):
        told = self.template(stack)["Resources"]["Objects"]["Properties"]["NotificationConfiguration"]
        object_ = {"key": quote_plus(key, safe="/"), "size": 1, "eTag": uuid.uuid4().hex, "sequencer": "0"}
        record = {"eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": REGION, "eventName": kind}
        record["eventTime"] = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())
        record["s3"] = {"bucket": {"name": bucket, "arn": f"arn:aws:s3:::{bucket}"}, "object": object_}
        for each in told["LambdaConfigurations"]:
            rules = {rule["Name"]: rule["Value"] for rule in each["Filter"]["S3Key"]["Rules"]}
            if fnmatch.fnmatchcase(f"s3:{kind}", each["Event"]) and key.startswith(rules["prefix"]):
                name = self.physical(each["Function"]["Fn::GetAtt"][0])
                assert self.may_be_invoked(name, "s3.amazonaws.com", f"arn:aws:s3:::{bucket}"), name
                self.invoke_later(name, {"Records": [record]}, kind)


parsed = functools.cache(read)
_Running = collections.namedtuple("_Running", "what program")


def without_secrets(answer):
    """What CloudFormation says, with stars for parameters that it is not to echo: moto forgets to."""
    parameters = read(TEMPLATE.read_text())["Parameters"].items()
    names = "|".join(name for name, parameter in parameters if parameter.get("NoEcho"))
    value = rf"(<ParameterKey>(?:{names})</ParameterKey>)<ParameterValue(?:/>|>[^<]*</ParameterValue>)"
    return re.sub(value.encode(), rb"\1<ParameterValue>****</ParameterValue>", answer)


def invalid(why):
    error = f"<Error><Type>Sender</Type><Code>ValidationError</Code><Message>{escape(why)}</Message></Error>"
    return 400, {"content-type": "text/xml"}, f"<ErrorResponse>{error}</ErrorResponse>".encode()


def denied(service, what):
    if service == "s3":
        text = f"<Error><Code>AccessDenied</Code><Message>{what}</Message></Error>"
        return 403, {"content-type": "application/xml"}, text.encode()
    name = "AccessDeniedException"
    text = json.dumps({"__type": name, "message": what})
    return 400, {"content-type": "application/json", "x-amzn-errortype": name}, text.encode()


def _handler(account):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _any(self):
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self._body(headers)
            try:
                status, told, body = account.answer(self.command, self.path, headers, body)
            except Exception:  # noqa: BLE001
                # What is wrong with the account itself is for the test to see.
                account.faults.append(traceback.format_exc())
                status, told, body = 500, {}, account.faults[-1].encode()
            self.send_response(status)
            for name, value in told.items():
                if name != "content-length":
                    self.send_header(name, value)
            # Of a HEAD it is the object's.
            self.send_header("content-length", told.get("content-length", len(body)) if self.command == "HEAD" else len(body))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def _body(self, headers):
            if headers.get("transfer-encoding") != "chunked":
                return self.rfile.read(int(headers.get("content-length") or 0))
            body = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            while self.rfile.readline().strip():
                pass
            return body

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _any

        def log_message(self, *_):
            pass

    return Handler
