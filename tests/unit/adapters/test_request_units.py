"""DynamoDB units: of emulators they follow item sizes and the rules of keys-only indexes, of AWS they are as told."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any

import botocore.session
import pytest
from botocore.awsrequest import AWSResponse

from chalicelib.adapters.aws.meter import Meter
from chalicelib.adapters.aws.request_units import Units, item_size, reported_units
from chalicelib.adapters.aws.simulated_units import SimulatedUnits

TABLE = {"TableName": "mail"}
KEY = {"PK": {"S": "p"}, "SK": {"S": "s"}}


def item(size: int = 100, **more: Any) -> dict[str, Any]:
    """An item of about `size` bytes."""
    return {**KEY, "body": {"S": "x" * size}, **more}


def put(rules: SimulatedUnits, value: dict[str, Any], got: dict[str, Any] | None = None) -> float:
    return rules.units("PutItem", {**TABLE, "Item": value}, got or {}).write


def update(
    rules: SimulatedUnits, expression: str, got: dict[str, Any] | None = None, **values: Any
) -> float:
    sent = {**TABLE, "Key": KEY, "UpdateExpression": expression}
    sent["ExpressionAttributeValues"] = {f":{name}": value for name, value in values.items()}
    if got and "Attributes" in got:
        sent["ReturnValues"] = "ALL_NEW"
    return rules.units("UpdateItem", sent, got or {}).write


@pytest.mark.parametrize(("size", "units"), [(10, 1), (1_000, 1), (1_100, 2), (10_240, 11)])
def test_a_put_costs_by_the_kilobyte(size: int, units: int) -> None:
    assert put(SimulatedUnits(), item(size)) == units


def test_index_keys_cost_when_they_come_move_and_go() -> None:
    rules = SimulatedUnits()
    assert put(rules, item(rk={"S": "r"})) == 2
    assert update(rules, "SET a = :a", a={"N": "1"}) == 1
    assert update(rules, "SET fk = :f, a = :a", f={"S": "Q"}, a={"N": "2"}) == 2
    assert update(rules, "SET fk = :f", f={"S": "Q"}) == 1
    assert update(rules, "SET fk = :f", f={"S": "H"}) == 3
    assert update(rules, "SET dk = :d, du = :u", d={"S": "DUE#1"}, u={"N": "5"}) == 2
    assert update(rules, "SET du = :u", u={"N": "6"}) == 3
    assert update(rules, "REMOVE dk, du, fk") == 3
    assert update(rules, "SET a = :a REMOVE dk, du", a={"N": "1"}) == 1


def test_the_larger_image_counts() -> None:
    rules = SimulatedUnits()
    put(rules, item(3_000))
    assert update(rules, "SET body = :b", b={"S": ""}) == 3
    assert update(rules, "SET body = :b", b={"S": ""}) == 1
    assert rules.units("DeleteItem", {**TABLE, "Key": KEY}, {}).write == 1


def test_an_item_never_seen_is_judged_by_what_the_update_sets() -> None:
    new = item(a={"N": "2"}, rk={"S": "r"}, fk={"S": "Q"})
    assert (
        update(SimulatedUnits(), "SET a = :a REMOVE dk, du", {"Attributes": new}, a={"N": "2"}) == 1
    )
    assert update(SimulatedUnits(), "SET fk = :f", {"Attributes": new}, f={"S": "Q"}) == 2
    assert update(SimulatedUnits(), "ADD n :n SET x = :x", n={"N": "5"}, x={"N": "9"}) == 1


def test_a_failed_condition_is_charged_and_changes_nothing() -> None:
    rules = SimulatedUnits()
    put(rules, item(2_000, rk={"S": "r"}))
    failed = {"Error": {"Code": "ConditionalCheckFailedException"}, "Item": item(2_000)}
    assert put(rules, item(10), failed) == 2
    assert update(rules, "SET fk = :f", {"Error": {}}, f={"S": "Q"}) == 2
    assert update(rules, "SET fk = :f", f={"S": "Q"}) == 3


def test_transactions_cost_double() -> None:
    action = {**TABLE, "Item": item(1_500)}
    sent = {"TransactItems": [{"Put": action}, {"Delete": {**TABLE, "Key": KEY}}]}
    assert SimulatedUnits().units("TransactWriteItems", sent, {}).write == 8


def test_reads_cost_by_four_kilobytes() -> None:
    rules = SimulatedUnits()
    consistent = {"ConsistentRead": True}
    assert rules.units("GetItem", consistent, {"Item": item(100)}) == Units(read=1)
    assert rules.units("GetItem", {}, {"Item": item(5_000)}) == Units(read=1)
    assert rules.units("GetItem", {}, {}) == Units(read=0.5)
    many = {"Items": [item(1_000)] * 10}
    assert rules.units("Query", {}, many) == Units(read=1.5)
    assert rules.units("Query", consistent, many) == Units(read=3)
    request = {"RequestItems": {"mail": {"Keys": [KEY] * 3}}}
    answer = {"Responses": {"mail": [item(100), item(5_000)]}}
    assert rules.units("BatchGetItem", request, answer) == Units(read=2)
    assert rules.units("DescribeTable", {}, {}) == Units()


def test_sizes_of_every_kind_of_value() -> None:
    kinds: dict[str, dict[str, Any]] = {
        "s": {"S": "é"},
        "n": {"N": "1800000000.25"},
        "b": {"B": b"1234"},
        "t": {"BOOL": True},
        "z": {"NULL": True},
        "l": {"L": [{"S": "ab"}, {"N": "1"}]},
        "m": {"M": {"k": {"S": "v"}}},
    }
    sizes = {name: item_size({name: value}) - 1 for name, value in kinds.items()}
    assert sizes == {"s": 2, "n": 7, "b": 4, "t": 1, "z": 1, "l": 9, "m": 6}


@pytest.mark.parametrize(
    ("operation", "sent", "got", "units"),
    [
        ("PutItem", {}, {"ConsumedCapacity": {"CapacityUnits": 3.0}}, Units(write=3)),
        ("GetItem", {}, {"ConsumedCapacity": {"CapacityUnits": 0.5}}, Units(read=0.5)),
        (
            "BatchGetItem",
            {},
            {"ConsumedCapacity": [{"CapacityUnits": 1.5}, {"CapacityUnits": 1.0}]},
            Units(read=2.5),
        ),
        ("TransactWriteItems", {}, {"ConsumedCapacity": [{"CapacityUnits": 4.0}]}, Units(write=4)),
        (
            "UpdateItem",
            {"ConditionExpression": "a = :a"},
            {"Error": {}, "Item": item(1_500)},
            Units(write=2),
        ),
        ("UpdateItem", {"ConditionExpression": "a = :a"}, {"Error": {}}, Units(write=1)),
        ("TransactWriteItems", {"TransactItems": [{}, {}]}, {"Error": {}}, Units(write=4)),
        ("GetItem", {}, {"Error": {}}, Units()),
        ("DescribeTable", {}, {}, Units()),
    ],
)
def test_what_the_service_tells_is_taken(
    operation: str, sent: dict[str, Any], got: dict[str, Any], units: Units
) -> None:
    assert reported_units(operation, sent, got) == units


@pytest.mark.parametrize("endpoint", ["", "http://127.0.0.1:9"])
def test_only_an_emulator_is_not_asked(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB"):
        monkeypatch.setenv(name, endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "none")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "none")
    seen: list[dict[str, Any]] = []

    def answer(request: Any, **_: Any) -> AWSResponse:
        seen.append(json.loads(request.body))
        body = json.dumps({"ConsumedCapacity": {"TableName": "mail", "CapacityUnits": 7.0}})
        return AWSResponse(request.url, 200, {}, _Raw(body.encode()))

    meter, session = Meter(), botocore.session.get_session()
    meter.attach(session)
    session.register("before-send.dynamodb", answer)
    client = session.create_client("dynamodb", region_name="us-east-1")
    client.put_item(**TABLE, Item=item())
    client.list_tables()
    assert [one.get("ReturnConsumedCapacity") for one in seen] == [
        "TOTAL" if not endpoint else None,
        None,
    ]
    assert meter.snapshot().write_units == (1 if endpoint else 7)


class _Raw(BytesIO):
    """A body as urllib3 gives it."""

    def stream(self, **_: Any) -> list[bytes]:
        return [self.read()]
