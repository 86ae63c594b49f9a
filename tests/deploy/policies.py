"""What a function's role allows, read from the rendered template, and which AWS calls a piece of code makes.

`granted` resolves the policy documents of a role to (action, resource) pairs. `Recorder` notes each call of botocore
clients as the (action, resource) pairs that IAM would ask the role for, and what conditions look at: the partition of
each item that is written, and the context of each secret that is opened.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
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
    "s3:DeleteObjects": "s3:DeleteObject",
    "s3:ListObjectsV2": "s3:ListBucket",
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
        "IncomingArn": f"{queue}incoming",
        "WebhooksArn": f"{queue}webhooks",
        "WebhooksSlowArn": f"{queue}webhooks-slow",
        "JobsArn": f"{queue}jobs",
    }


@dataclass(frozen=True, slots=True)
class Granted:
    """The statements of one role, resolved. `partitions` are the patterns that a pair is limited to, if it is."""

    pairs: frozenset[Pair]
    partitions: Mapping[Pair, Sequence[str]] = field(default_factory=dict)
    contexts: Mapping[Pair, Mapping[str, str]] = field(default_factory=dict)

    def allows(self, action: str, resource: str) -> bool:
        return any(
            action == granted and _covers(pattern, resource) for granted, pattern in self.pairs
        )

    def allows_partition(self, action: str, table: str, partition: str) -> bool:
        """Whether an item of this partition may be written."""
        patterns = self.partitions.get((action, table), ["*"])
        return any(fnmatchcase(partition, pattern) for pattern in patterns)


def granted(template: Mapping[str, Any], role: str, parameters: Mapping[str, str]) -> Granted:
    """What the inline policies of the role resource allow."""
    properties = template["Resources"][role]["Properties"]
    pairs = set()
    partitions: defaultdict[Pair, list[str]] = defaultdict(list)
    contexts: dict[Pair, Mapping[str, str]] = {}
    for policy in properties["Policies"]:
        for statement in policy["PolicyDocument"]["Statement"]:
            assert statement["Effect"] == "Allow"
            for action in _listed(statement["Action"]):
                for resource in _listed(statement["Resource"]):
                    pair = (action, resolve(template, resource, parameters))
                    pairs.add(pair)
                    keys, context = _conditions(statement.get("Condition", {}))
                    partitions[pair] += keys or ["*"]
                    if context:
                        contexts[pair] = context
    return Granted(frozenset(pairs), partitions, contexts)


def _conditions(condition: Mapping[str, Any]) -> tuple[list[str], dict[str, str]]:
    """The leading keys and the encryption context that a statement asks for; AssertionError for any other condition."""
    keys, context = [], {}
    for operator, asked in condition.items():
        for name, value in asked.items():
            kind, _, rest = name.rpartition(":")
            if (operator, name) == ("ForAllValues:StringLike", "dynamodb:LeadingKeys"):
                keys += value
            else:
                assert (operator, kind) == ("StringEquals", "kms:EncryptionContext"), condition
                context[rest] = value
    return keys, context


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
    """Attach it to a botocore session; `pairs` grows with each call, of which `listeners` are told too.

    `written` holds (action, table, partition) of each item, `contexts` (action, name, value) of each call of KMS.
    """

    pairs: set[Pair] = field(default_factory=set)
    written: set[tuple[str, str, str]] = field(default_factory=set)
    contexts: set[tuple[str, str, str]] = field(default_factory=set)
    listeners: list[Callable[..., None]] = field(default_factory=list)

    def attach(self, session: Any) -> None:
        session.register("before-parameter-build", self._note)

    def _note(self, params: Mapping[str, Any], model: Any, **_: Any) -> None:
        service = model.service_model.service_name
        self.pairs |= set(asked(service, model.name, params))
        if service == "dynamodb":
            self.written |= set(_written(model.name, params))
        if service == "kms":
            given = params.get("EncryptionContext", {}).items()
            self.contexts |= {(f"kms:{model.name}", name, value) for name, value in given}
            assert given, "a call without a context, which no role may make"
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


def _written(operation: str, params: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Action, table and partition of each item that a call writes."""
    if operation == "TransactWriteItems":
        each = [next(iter(item.items())) for item in params["TransactItems"]]
        calls = [(TRANSACTION[verb], one) for verb, one in each]
    else:
        calls = [(f"dynamodb:{operation}", params)]
    for action, one in calls:
        if action.removeprefix("dynamodb:") in {"PutItem", "UpdateItem", "DeleteItem"}:
            key = one.get("Key") or one["Item"]
            yield action, _table(one["TableName"]), key["PK"]["S"]


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
        bucket = f"arn:aws:s3:::{params['Bucket']}"
        if operation == "ListObjectsV2":
            return [bucket]
        removed = params.get("Delete", {}).get("Objects", [params])
        return [f"{bucket}/{one['Key']}" for one in removed]
    assert service == "kms", (service, operation)
    return [KEY_ARN]


def _table(name: str) -> str:
    return f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}"
