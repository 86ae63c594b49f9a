"""The data plane is deployed, brought up to date, and a failure names its reason."""

from __future__ import annotations

import json
import secrets
from dataclasses import replace
from typing import Any

import botocore.session
import pytest

from infra.stack import DATA_TEMPLATE, Stack, StackFailed, cloudformation, deploy, deploy_data
from tests.aws_backend import Backend

pytestmark = pytest.mark.aws


@pytest.fixture
def name() -> str:
    return f"t{secrets.token_hex(5)}"


def queue_template(*queues: str, **more: Any) -> str:
    """A template with queues, and more resources."""
    resources: dict[str, Any] = {
        queue: {
            "Type": "AWS::SQS::Queue",
            "Properties": {"QueueName": f"{queue}-{secrets.token_hex(4)}"},
        }
        for queue in queues
    }
    outputs = {queue: {"Value": {"Ref": queue}} for queue in queues}
    return json.dumps({"Resources": resources | more, "Outputs": outputs})


def test_deploying_twice_changes_nothing_and_tells_nothing(aws_backend: Backend, name: str) -> None:
    lines: list[str] = []
    first = deploy_data(aws_backend.endpoint, name, say=lines.append)
    assert first == {
        "control_table": f"{name}-control",
        "mail_table": f"{name}-mail",
        "bucket": f"{name}-mail-raw",
        "queue_prefix": f"{name}-",
        "key_alias": f"alias/{name}",
    }
    assert any("MailTable CREATE_COMPLETE" in line for line in lines)
    lines.clear()
    assert deploy_data(aws_backend.endpoint, name, say=lines.append) == first
    assert not any("CREATE" in line for line in lines)


def test_the_queue_hides_wake_ups_as_long_as_was_asked(aws_backend: Backend, name: str) -> None:
    sqs: Any = botocore.session.get_session().create_client(
        "sqs", endpoint_url=aws_backend.endpoint
    )

    def hidden() -> int:
        url = sqs.get_queue_url(QueueName=f"{name}-deliver-default")["QueueUrl"]
        answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])
        return int(answer["Attributes"]["VisibilityTimeout"])

    deploy_data(aws_backend.endpoint, name)
    assert hidden() == 480
    deploy_data(aws_backend.endpoint, name, visibility_seconds=700)
    assert hidden() == 700


def test_the_standard_variables_name_the_endpoint(aws_backend: Backend, name: str) -> None:
    assert deploy_data(prefix=name)["bucket"] == f"{name}-mail-raw"


def test_a_changed_template_updates_the_stack(aws_backend: Backend, name: str) -> None:
    client = cloudformation(aws_backend.endpoint)
    assert set(deploy(client, Stack(name, queue_template("One"), {}))) == {"One"}
    assert set(deploy(client, Stack(name, queue_template("One", "Two"), {}))) == {"One", "Two"}


def test_a_failure_names_the_resource_and_the_reason(aws_backend: Backend, name: str) -> None:
    client = cloudformation(aws_backend.endpoint)
    properties = {"QueueName": {"Fn::ImportValue": "no-such-export"}}
    wrong = {"Type": "AWS::SQS::Queue", "Properties": properties}
    stack = Stack(name, queue_template("One", Wrong=wrong), {})
    with pytest.raises(StackFailed, match=r"Wrong CREATE_FAILED .*no-such-export"):
        deploy(client, stack)
    repaired = replace(stack, template=queue_template("One"))
    assert set(deploy(client, repaired)) == {"One"}


def test_a_template_that_is_none_is_refused(aws_backend: Backend, name: str) -> None:
    with pytest.raises(StackFailed):
        deploy(cloudformation(aws_backend.endpoint), Stack(name, "{", {}))


def test_the_template_is_beside_the_code() -> None:
    assert DATA_TEMPLATE.read_text().startswith("AWSTemplateFormatVersion")
