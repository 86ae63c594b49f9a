"""`make destroy` removes what the installation made, and nothing of a neighbour with a similar name or of strangers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from infra import destroy as destroying
from infra.current_state import TAG, part_of, stacks_of
from infra.deploy import stack_of
from infra.destroy import destroy, look
from infra.order import Order
from infra.package import Package
from infra.stack import Stack, StackFailed, remove
from infra.stack import deploy as deploy_stack
from infra.targets import Target, WrongOrder, check_prefix
from infra.templates import Template, load, render
from tests.deploy.installation import random_prefix

pytestmark = pytest.mark.aws

# A stack that costs nothing: what counts is its name.
QUEUE = render({"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}})


@pytest.fixture
def neighbours(target: Target) -> Iterator[tuple[str, list[str]]]:
    """A prefix, and the names of stacks of three other installations whose prefixes begin with it."""
    prefix = random_prefix()
    others = [
        f"{prefix}{middle}-{part}"
        for middle in ("-nat-eu", "-egress-eu", "x")
        for part in ("data", "functions", "nat-bulk")
    ]
    client = target.client("cloudformation")
    for name in (f"{prefix}-data", f"{prefix}-nat-bulk", *others):
        deploy_stack(client, Stack(name, QUEUE, {}))
    yield prefix, others
    for name in others:
        remove(client, name)


def test_a_neighbour_whose_name_begins_alike_stays(
    target: Target, neighbours: tuple[str, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    prefix, others = neighbours
    assert list(stacks_of(target, prefix)) == [f"{prefix}-data", f"{prefix}-nat-bulk"]
    command = ["--endpoint", target.endpoint, "--prefix", prefix]
    assert destroying.main(command) == 0
    assert capsys.readouterr().out == f"{prefix} is gone\n"
    assert stacks_of(target, prefix) == {}
    for middle in ("-nat-eu", "-egress-eu", "x"):
        left = stacks_of(target, f"{prefix}{middle}")
        assert sorted(left) == sorted(name for name in others if name in left)
        assert len(left) == 3
    assert destroying.main(command) == 0
    assert capsys.readouterr().out == f"there was nothing of {prefix!r} to remove\n"


def test_names_of_stacks_are_read_in_one_way_only() -> None:
    assert part_of("acme-nat-bulk", "acme") == "nat-bulk"
    assert part_of("acme-data", "acme") == "data"
    for name in ("acme-nat-eu-data", "acme-nat", "acme-data-x", "acme-eu-data", "other-data"):
        assert part_of(name, "acme") == ""
    check_prefix("acme-nat-eu")
    for ambiguous in ("acme-nat", "acme-egress", "acme-deliver"):
        with pytest.raises(WrongOrder, match="reads like a part of another installation"):
            check_prefix(ambiguous)


def data_stack(order: Order) -> Stack:
    known = {
        "Prefix": order.prefix,
        "BucketName": f"{order.prefix}-mail-raw",
        "RequireTls": "false",
    }
    return stack_of(order, "data", load("data.yaml"), known)


@pytest.fixture
def order(target: Target, package: Package) -> Order:
    return Order(target, random_prefix(), package)


@pytest.mark.slow
def test_what_belongs_to_somebody_else_stays(order: Order) -> None:
    """A bucket and a table had the names before, so that the installation never came about."""
    target, client = order.target, order.target.client("cloudformation")
    s3, dynamodb = target.client("s3"), target.client("dynamodb")
    bucket, table = f"{order.prefix}-mail-raw", f"{order.prefix}-control"
    s3.create_bucket(Bucket=bucket)
    dynamodb.create_table(
        TableName=table,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "PK", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "PK", "KeyType": "HASH"}],
    )
    with pytest.raises(StackFailed):
        deploy_stack(client, data_stack(order))
    assert destroy(target, order.prefix, lambda _: None), "what the failed creation left"
    assert bucket in [one["Name"] for one in s3.list_buckets()["Buckets"]]
    assert dynamodb.describe_table(TableName=table)["Table"]["TableStatus"] == "ACTIVE"
    s3.delete_bucket(Bucket=bucket)
    dynamodb.delete_table(TableName=table)


@pytest.mark.slow
def test_what_an_interrupted_removal_left_goes_the_next_time(order: Order) -> None:
    target, client = order.target, order.target.client("cloudformation")
    outputs = deploy_stack(client, data_stack(order))
    assert remove(client, f"{order.prefix}-data")
    for bucket in (
        outputs["Bucket"],
        outputs["CodeBucket"],
    ):  # the emulator leaves tags of buckets out
        target.client("s3").put_bucket_tagging(
            Bucket=bucket, Tagging={"TagSet": [{"Key": TAG, "Value": order.prefix}]}
        )
    found = look(target, order.prefix)
    assert found.tables == (outputs["MailTable"], outputs["ControlTable"])
    assert found.buckets == (outputs["Bucket"], outputs["CodeBucket"])
    said: list[str] = []
    assert destroy(target, order.prefix, said.append)
    assert f"removed the table {outputs['MailTable']}" in said
    assert f"removed the bucket {outputs['Bucket']}" in said
    assert look(target, order.prefix).tables == ()


def test_more_pools_than_a_first_template_holds_are_refused(order: Order) -> None:
    long: Template = load("data.yaml")
    long["Description"] = "x" * 52_000
    with pytest.raises(WrongOrder, match=r"the template of the data stack is longer .*fewer pools"):
        stack_of(replace(order, prefix="posthorn"), "data", long, {"Prefix": "posthorn"})
