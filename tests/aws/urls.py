"""Function URLs, as Lambda answers them: moto's CloudFormation passes over them.

Lambda asks IAM first, or nobody, as the deployed template says; and the function's own policy, as moto has it from the
template. What it lets through it brings as a payload, which says whom IAM has let in.
"""

import base64
import json

from account import ACCOUNT, PLACE, REGION
from actions import gives
from constraints import holds

FORBIDDEN = 403, {"Message": "Forbidden"}
# What a caller needs where IAM is asked, since October 2025 both.
RIGHTS = ("lambda:InvokeFunctionUrl", "lambda:InvokeFunction")


def ask(account, name, method, path, body=b"", signed_by=None, **headers):
    """Status and JSON of an answer. `signed_by` is the operator of the account, or a function, by its role."""
    auth = auth_type(account, name)
    if auth == "NONE" and not is_open(account, name):
        return FORBIDDEN
    if auth == "AWS_IAM" and not (signed_by and may_ask(account, name, signed_by)):
        return FORBIDDEN
    who = arn(signed_by) if auth == "AWS_IAM" else None
    answer, failed = account.invoke(name, payload(method, path, body, headers, who))
    if failed:
        return 502, answer
    return answer["statusCode"], json.loads(answer["body"] or "null")


def payload(method, path, body, headers, who):
    context = {"accountId": "anonymous", "http": {"method": method, "path": path, "protocol": "HTTP/1.1"}}
    if who:
        iam = {"accessKey": "AKIA0", "accountId": ACCOUNT, "callerId": "AIDA0", "userArn": who, "userId": "AIDA0"}
        context |= {"accountId": ACCOUNT, "authorizer": {"iam": iam | {"cognitoIdentity": None, "principalOrgId": None}}}
        # Where IAM is asked, the signature stands where a key would.
        headers = headers | {"authorization": f"AWS4-HMAC-SHA256 Credential=AKIA0/20261126/{REGION}/lambda/aws4_request"}
    asked = {"version": "2.0", "rawPath": path, "rawQueryString": "", "headers": headers, "requestContext": context}
    return asked | {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}


def auth_type(account, name):
    template, values = account.deployed(name)
    resources = template["Resources"]
    ours = next(key for key, each in resources.items() if each["Properties"] == account.template_of(name))
    urls = [each["Properties"] for each in resources.values() if each["Type"] == "AWS::Lambda::Url"]
    (url,) = (each for each in urls if each["TargetFunctionArn"] == {"Ref": ours})
    condition, then, other = url["AuthType"]["Fn::If"]
    return then if holds(template["Conditions"][condition], values) else other


def is_open(account, name):
    """Whether the function's policy lets everybody in by its URL: that takes two statements."""
    text = account.client("lambda").get_policy(FunctionName=name)["Policy"]
    open_ = [each for each in json.loads(text)["Statement"] if each["Principal"] == "*"]
    wanted = {"lambda:InvokeFunctionUrl": ("FunctionUrlAuthType", "NONE"), "lambda:InvokeFunction": ("InvokedViaFunctionUrl", True)}
    for each in open_:
        key, value = wanted[each["Action"]]
        # Without its condition it would open more than the URL.
        assert each.get(key) == value, each
    return {each["Action"] for each in open_} == wanted.keys()


def may_ask(account, name, who):
    if who == "operator":
        return True
    function = f"arn:aws:lambda:{PLACE}:function:{name}"
    return all(gives(account.policies(who), right, function) for right in RIGHTS)


def arn(who):
    return f"arn:aws:iam::{ACCOUNT}:user/{who}"
