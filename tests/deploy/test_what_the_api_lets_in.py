"""The stage of the API is throttled and logged, and has one name: asked of the template and of the emulated AWS."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import replace
from typing import Any

import pytest

from infra.deploy import deploy
from infra.local.aws import EMULATOR_PYTHON
from infra.order import Order
from infra.outputs import describe
from infra.package import Package
from infra.plan import templates_of
from infra.targets import Target
from infra.templates import Template, load, render
from tests.deploy.installation import random_prefix

RESOURCES = load("functions.merge.yaml")["Resources"]
DOMAIN = {
    "ApiDomain": "posthorn.acme.test",
    "ApiCertificateArn": "arn:aws:acm:us-east-1:000000000000:certificate/x",
}
# Of API Gateway's own making; no word of the client, whose path, query and fields hold keys and addresses.
LOGGED = {
    "requestTimeEpoch",
    "requestId",
    "identity.sourceIp",
    "httpMethod",
    "resourcePath",
    "status",
    "responseLatency",
    "responseLength",
}


def test_the_access_log_holds_nothing_that_a_client_wrote() -> None:
    (_, setting, _) = RESOURCES["RestAPI"]["Properties"]["AccessLogSetting"]["Fn::If"]
    named = re.findall(r"\$context\.([A-Za-z.]+)", setting["Format"])
    assert set(named) == LOGGED
    filled = re.sub(r'"\$context\.[A-Za-z.]+"', '"x"', setting["Format"])
    line = json.loads(re.sub(r"\$context\.[A-Za-z.]+", "1", filled))
    assert line["ip"] == "x"
    assert line["status"] == 1


def test_whoever_else_logs_with_the_accounts_role_keeps_it() -> None:
    for name in ("ApiLogging", "ApiLogAccount"):
        assert RESOURCES[name]["DeletionPolicy"] == "Retain"
        assert RESOURCES[name]["Condition"] == "BringsLogRole"


def test_with_a_domain_the_other_name_is_closed_and_the_address_is_the_domain(
    package: Package,
) -> None:
    target = Target("aws", "", "us-east-1", ("test", "test"))
    plain = Order(target, "posthorn", package)
    own = replace(plain, parameters=DOMAIN)
    for order, closed in ((plain, False), (own, True)):
        api = templates_of(order)["functions"]["Resources"]["RestAPI"]["Properties"]
        # The word itself, so that the definition differs and API Gateway deploys it.
        assert api["DisableExecuteApiEndpoint"] is closed
    outputs = {
        "EndpointURL": "https://x.execute-api.us-east-1.amazonaws.com/api/",
        **dict.fromkeys(
            ("ControlTable", "MailTable", "Bucket", "QueuePrefix", "KeyAlias", "RestAPIId"), "x"
        ),
    }
    addresses = [describe(order, "1", outputs).api for order in (plain, own)]
    assert addresses == [
        "https://x.execute-api.us-east-1.amazonaws.com/api",
        "https://posthorn.acme.test",
    ]


@pytest.mark.aws
@pytest.mark.slow
def test_the_stage_is_throttled_and_logged(target: Target, package: Package) -> None:
    order = Order(target, random_prefix(), package)
    order = replace(order, parameters={"ApiRequestsPerSecond": "7", "ApiBurst": "9"})
    made = deploy(order, lambda _: None)
    client = target.client("apigateway")
    api = made.outputs["RestAPIId"]
    (stage,) = (
        one for one in client.get_stages(restApiId=api)["item"] if one["stageName"] == "api"
    )
    settings: dict[str, Any] = stage["methodSettings"]["*/*"]
    assert (settings["throttlingRateLimit"], settings["throttlingBurstLimit"]) == (7, 9)
    groups = target.client("logs").describe_log_groups(
        logGroupNamePrefix=f"/posthorn/{order.prefix}/"
    )
    names = [group["logGroupName"] for group in groups["logGroups"]]
    assert names == [f"/posthorn/{order.prefix}/api-access"]
    assert client.get_account()["cloudwatchRoleArn"].startswith("arn:aws:iam:")


SAM = """
import json, sys
from types import SimpleNamespace
from samtranslator.translator.transform import transform
print(json.dumps(transform(json.load(sys.stdin), {}, SimpleNamespace(load=dict))))
"""


def by_sam(template: Template) -> dict[str, Any]:
    """What CloudFormation gets of a template, by the translator that the emulator's environment has."""
    if not EMULATOR_PYTHON.exists():
        pytest.skip(".venv-ministack is absent: python3 infra/environment.py ministack")
    done = subprocess.run(
        [EMULATOR_PYTHON, "-c", SAM],
        input=render(template),
        env={"AWS_DEFAULT_REGION": "us-east-1"},
        capture_output=True,
        text=True,
        check=True,
    )
    made: dict[str, Any] = json.loads(done.stdout)["Resources"]
    return made


def test_the_stage_logs_and_comes_after_the_role_for_it(package: Package) -> None:
    """The emulator reads no AccessLogSetting."""
    target = Target("aws", "", "us-east-1", ("test", "test"))
    order = Order(target, "posthorn", package, parameters=DOMAIN)
    made = by_sam(templates_of(order)["functions"])
    (stage,) = (
        one["Properties"] for one in made.values() if one["Type"] == "AWS::ApiGateway::Stage"
    )
    (api,) = (
        one["Properties"] for one in made.values() if one["Type"] == "AWS::ApiGateway::RestApi"
    )
    assert stage["AccessLogSetting"]["Fn::If"][0] == "LogsAccess"
    assert stage["Variables"]["logs"]["Fn::If"][1] == {"Ref": "ApiLogAccount"}
    (throttle,) = stage["MethodSettings"]
    assert (throttle["ResourcePath"], throttle["HttpMethod"]) == ("/*", "*")
    assert throttle["ThrottlingRateLimit"] == {"Ref": "ApiRequestsPerSecond"}
    closed = api["Body"]["x-amazon-apigateway-endpoint-configuration"]
    assert closed == {"disableExecuteApiEndpoint": True}
