"""What a function's role allows, read from the rendered template, and which AWS calls a piece of code makes.

`granted` resolves the policy documents of a role to (action, resource) pairs. `Recorder` notes each call of botocore
clients as the (action, resource) pairs that IAM would ask the role for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chalicelib.config import Settings

ACCOUNT = "000000000000"
REGION = "us-east-1"
# Operations that IAM knows under another name; the rest are called as their actions.
ACTIONS = {
    "sqs:SendMessageBatch": "sqs:SendMessage",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
    "s3:HeadObject": "s3:GetObject",
}
TRANSACTION = {
    "Put": "dynamodb:PutItem",
    "Update": "dynamodb:UpdateItem",
    "Delete": "dynamodb:DeleteItem",
    "ConditionCheck": "dynamodb:ConditionCheckItem",
}
KEY_ARN = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/posthorn"

Pair = tuple[str, str]


def parameters_for(settings: Settings, prefix: str) -> dict[str, str]:
    """What `infra.deploy` gives the functions template, for a data plane of these names."""
    table = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/"
    queue = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{prefix}-"
    return {
        "Prefix": prefix,
        "ControlTable": settings.control_table,
        "ControlTableArn": table + settings.control_table,
        "MailTable": settings.mail_table,
        "MailTableArn": table + settings.mail_table,
        "MailStream": f"{table}{settings.mail_table}/stream/2026-11-22T12:00:00.000",
        "Bucket": settings.bucket,
        "BucketArn": f"arn:aws:s3:::{settings.bucket}",
        "KeyAlias": settings.key_alias,
        "KeyArn": KEY_ARN,
        "DeadLettersArn": f"{queue}dead",
        "DeliverDefaultArn": f"{queue}deliver-default",
    }


@dataclass(frozen=True, slots=True)
class Granted:
    """The statements of one role, resolved."""

    pairs: frozenset[Pair]

    def allows(self, action: str, resource: str) -> bool:
        return any(
            action == granted and _covers(pattern, resource) for granted, pattern in self.pairs
        )


def granted(template: Mapping[str, Any], role: str, parameters: Mapping[str, str]) -> Granted:
    """What the inline policies of the role resource allow."""
    properties = template["Resources"][role]["Properties"]
    pairs = set()
    for policy in properties["Policies"]:
        for statement in policy["PolicyDocument"]["Statement"]:
            assert statement["Effect"] == "Allow"
            for action in _listed(statement["Action"]):
                for resource in _listed(statement["Resource"]):
                    pairs.add((action, resolve(template, resource, parameters)))
    return Granted(frozenset(pairs))


def resolve(template: Mapping[str, Any], value: Any, parameters: Mapping[str, str]) -> str:
    """The text of a literal, a Ref, a Sub, or the ARN of a log group."""
    if isinstance(value, str):
        return value
    ((kind, held),) = value.items()
    if kind == "Ref":
        return parameters[held]
    if kind == "Fn::Sub":
        return re.sub(r"\$\{(\w+)}", lambda name: parameters[name[1]], held)
    assert kind == "Fn::GetAtt" and held[1] == "Arn", value
    group = template["Resources"][held[0]]
    assert group["Type"] == "AWS::Logs::LogGroup"
    name = resolve(template, group["Properties"]["LogGroupName"], parameters)
    return f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{name}:*"


def _listed(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else [value]


def _covers(pattern: str, resource: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), resource) is not None


@dataclass
class Recorder:
    """Attach it to a botocore session; `pairs` grows with each call, of which `listeners` are told too."""

    pairs: set[Pair] = field(default_factory=set)
    listeners: list[Callable[..., None]] = field(default_factory=list)

    def attach(self, session: Any) -> None:
        session.register("before-parameter-build", self._note)

    def _note(self, params: Mapping[str, Any], model: Any, **_: Any) -> None:
        service = model.service_model.service_name
        self.pairs |= set(asked(service, model.name, params))
        for listener in self.listeners:
            listener(params=params, model=model)


def asked(service: str, operation: str, params: Mapping[str, Any]) -> Iterator[Pair]:
    """The pairs that IAM checks for one call; AssertionError for a service that is not known here."""
    if operation == "TransactWriteItems":
        for item in params["TransactItems"]:
            ((verb, one),) = item.items()
            yield TRANSACTION[verb], _table(one["TableName"])
        return
    action = ACTIONS.get(f"{service}:{operation}", f"{service}:{operation}")
    for resource in _resources(service, operation, params):
        yield action, resource


def _resources(service: str, operation: str, params: Mapping[str, Any]) -> list[str]:
    if service == "dynamodb":
        if operation in {"BatchGetItem", "BatchWriteItem"}:
            return [_table(name) for name in params["RequestItems"]]
        index = params.get("IndexName")
        return [_table(params["TableName"]) + (f"/index/{index}" if index else "")]
    if operation == "ListQueues":  # IAM knows it for all queues or for none
        return ["*"]
    if service == "sqs":
        name = params.get("QueueName") or params["QueueUrl"].rpartition("/")[2]
        return [f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"]
    if service == "s3":
        return [f"arn:aws:s3:::{params['Bucket']}/{params['Key']}"]
    assert service == "kms", (service, operation)
    return [KEY_ARN]


def _table(name: str) -> str:
    return f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}"
