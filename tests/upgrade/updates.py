"""What an update of a stack from one template to another would replace or lose of what cannot be made again.

The rules are those of CloudFormation: another logical name, type or condition, or another value of a property that
"requires replacement". Of resources that hold nothing it says nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from infra.templates import Template

# What holds mail, a key, an address or a name that others use, and what of it cannot be changed in place.
KEPT: Mapping[str, tuple[str, ...]] = {
    "AWS::DynamoDB::Table": ("TableName", "KeySchema"),
    "AWS::S3::Bucket": ("BucketName",),
    "AWS::SQS::Queue": ("QueueName", "FifoQueue"),
    "AWS::KMS::Key": ("KeySpec", "KeyUsage"),
    "AWS::KMS::Alias": ("AliasName",),
    "AWS::SNS::Topic": ("TopicName",),
    "AWS::EC2::EIP": ("Domain", "NetworkBorderGroup"),
    "AWS::EC2::VPC": ("CidrBlock",),
    "AWS::SecretsManager::Secret": ("Name",),
    "AWS::Logs::LogGroup": ("LogGroupName",),
    "AWS::Lambda::Url": ("TargetFunctionArn", "Qualifier"),
    "AWS::ApiGateway::DomainName": ("DomainName",),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": ("Name", "Scheme", "Type"),
    "AWS::CloudFront::Distribution": (),
}
POLICIES = ("DeletionPolicy", "UpdateReplacePolicy")


def lost(before: Template, after: Template) -> Iterator[str]:
    """One sentence for each thing."""
    for name, one in before["Resources"].items():
        if one.get("Type") in KEPT:
            yield from _of_resource(name, one, after["Resources"].get(name))
    for name in before.get("Outputs", {}):
        if name not in after.get("Outputs", {}):
            yield f"the output {name} is gone"
    for name, one in after.get("Parameters", {}).items():
        if name not in before.get("Parameters", {}) and "Default" not in one:
            yield f"the parameter {name} is new and has no default"


def _of_resource(name: str, before: Any, after: Any) -> Iterator[str]:
    if after is None:
        yield f"{name} is gone"
        return
    yield from _others(name, ("Type", "Condition"), before, after)
    for policy in POLICIES:
        if before.get(policy) == "Retain" != after.get(policy):
            yield f"{name} is not retained any more ({policy})"
    old, new = before.get("Properties", {}), after.get("Properties", {})
    yield from _others(name, KEPT[before["Type"]], old, new)
    if before["Type"] == "AWS::DynamoDB::Table":
        yield from _of_table(name, old, new)


def _others(name: str, fields: Sequence[str], before: Any, after: Any) -> Iterator[str]:
    for field in fields:
        if before.get(field) != after.get(field):
            yield f"{name} has another {field}"


def _of_table(name: str, before: Any, after: Any) -> Iterator[str]:
    """Indexes stay as they are; of new ones an update can make one, and its stream tells what it told."""
    old, new = (
        {one["IndexName"]: one for one in each.get("GlobalSecondaryIndexes", ())}
        for each in (before, after)
    )
    for index, one in old.items():
        same = index in new and all(
            one[what] == new[index].get(what) for what in ("KeySchema", "Projection")
        )
        if not same:
            yield f"{name} lost its index {index}"
    if len(new.keys() - old.keys()) > 1:
        yield f"{name} gets more than one index, which no update can do"
    if before.get("StreamSpecification") != after.get("StreamSpecification"):
        yield f"{name} has another stream"
    if before.get("TimeToLiveSpecification") != after.get("TimeToLiveSpecification"):
        yield f"{name} lets items end otherwise"
