"""Which rights of IAM a request takes, and whether policies give them."""

import fnmatch
import json
from urllib.parse import parse_qs, unquote, urlsplit


def wanted(method, path, headers, body, place):
    """The actions and resources of a signed request. `place` is the part of ARNs that has region and account."""
    service = headers.get("authorization", "").partition("Credential=")[2].split("/")[3:4]
    match service:
        case ["s3"]:
            return _s3(method, path)
        case ["dynamodb"]:
            return _dynamodb(headers["x-amz-target"].rpartition(".")[2], json.loads(body), place)
        case ["events"]:
            operation = headers["x-amz-target"].rpartition(".")[2]
            buses = {entry["EventBusName"] for entry in json.loads(body)["Entries"]} if operation == "PutEvents" else {"*"}
            return {(f"events:{operation}", f"arn:aws:events:{place}:event-bus/{bus}") for bus in buses}
        case ["lambda"]:
            name = urlsplit(path).path.split("/")[3]
            return {("lambda:InvokeFunction", f"arn:aws:lambda:{place}:function:{name}")}
    raise AssertionError(f"no function is known to ask this: {method} {path} {service}")


def _s3(method, path):
    parts = urlsplit(path)
    bucket, _, key = unquote(parts.path).lstrip("/").partition("/")
    query = parse_qs(parts.query, keep_blank_values=True)
    if not key:
        return {("s3:ListBucket" if method == "GET" else f"s3:{method}?", f"arn:aws:s3:::{bucket}")}
    action = {"GET": "GetObject", "HEAD": "GetObject", "PUT": "PutObject", "POST": "PutObject", "DELETE": "DeleteObject"}[method]
    if method == "DELETE" and "uploadId" in query:
        action = "AbortMultipartUpload"
    return {(f"s3:{action}", f"arn:aws:s3:::{bucket}/{key}")}


def _dynamodb(operation, asked, place):
    table = lambda name: f"arn:aws:dynamodb:{place}:table/{name}"
    if operation == "TransactWriteItems":
        names = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem"}
        parts = [(kind, part) for item in asked["TransactItems"] for kind, part in item.items()]
        return {(f"dynamodb:{names[kind]}", table(part["TableName"])) for kind, part in parts}
    if "RequestItems" in asked:
        return {(f"dynamodb:{operation}", table(name)) for name in asked["RequestItems"]}
    index = f"/index/{asked['IndexName']}" if "IndexName" in asked else ""
    return {(f"dynamodb:{operation}", table(asked["TableName"]) + index)}


def several(value):
    return value if isinstance(value, list) else [value]


def gives(statements, action, resource):
    """Whether statements allow it. They are plain: what would make them mean something else is an error."""
    for statement in statements:
        if set(statement) - {"Effect", "Action", "Resource", "Sid"} or statement["Effect"] != "Allow":
            raise AssertionError(f"a statement of a kind that is not understood here: {statement}")
    return any(
        any(fnmatch.fnmatchcase(action, pattern) for pattern in several(statement["Action"]))
        and any(fnmatch.fnmatchcase(resource, pattern) for pattern in several(statement["Resource"]))
        for statement in statements
    )
