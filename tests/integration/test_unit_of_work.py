"""Handlers through Chalice: one log line a unit of work, partial batch answers, errors that end where they should."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from chalice.app import Blueprint, Chalice, Rate

from chalicelib import bootstrap
from chalicelib.adapters.aws.meter import Meter, Usage
from chalicelib.adapters.scripted.time import ControlledClock
from chalicelib.bootstrap import Posthorn
from chalicelib.domain.delivery_job import render_job
from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.numbering import ServerId
from chalicelib.ports.clock import Clock
from functions.queue_batch import Invocation, on_batch
from functions.runtime import Notes, UnitOfWork
from functions.schedule import on_schedule
from tests.fakes import a_job, a_message

JOB = a_job(a_message(ServerId(7), 1))
EVENT = {
    "Records": [
        {
            "messageId": name,
            "receiptHandle": f"receipt-{name}",
            "body": render_job(JOB) if name == "a" else "no job",
            "attributes": {"ApproximateReceiveCount": "3"},
            "messageAttributes": {},
        }
        for name in ("a", "b", "c")
    ]
}
CONTEXT = SimpleNamespace(aws_request_id="request-1", get_remaining_time_in_millis=lambda: 2_500)


@pytest.fixture
def posthorn() -> Iterator[Posthorn]:
    program = bootstrap.in_memory()
    bootstrap.use(program)
    yield program
    bootstrap.use(None)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def registered(handler: Any) -> Any:
    """The handler as Lambda calls it."""
    app, blueprint = Chalice("test", configure_logs=False), Blueprint(__name__)
    wrapped = blueprint.on_sqs_message(queue="q", name="work")(on_batch("work", handler))
    app.register_blueprint(blueprint)
    assert app.handler_map["work"] is wrapped
    (config,) = app.event_sources
    assert config.handler_string == f"{__name__}.work"
    return wrapped


def test_a_batch_names_what_is_to_be_handed_out_again(
    posthorn: Posthorn, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[Invocation] = []

    async def work(program: Posthorn, batch: Invocation) -> Collection[str]:
        assert program is posthorn
        assert isinstance(posthorn[Clock], ControlledClock)
        posthorn[ControlledClock].advance(0.25)
        seen.append(batch)
        batch.notes["count"] = len(batch.records)
        return {"b"}

    answer = registered(work)(EVENT, CONTEXT)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "b"}]}
    (batch,) = seen
    first = batch.records[0]
    assert (first.id, first.receipt, first.receives) == ("a", "receipt-a", 3)
    assert [one.job for one in batch.records] == [JOB, None, None]
    assert batch.seconds_left() == 2.5
    (line,) = lines(capsys)
    assert line == {
        "time": round(posthorn[ControlledClock].now(), 3),
        "level": "info",
        "unit": "work",
        "outcome": "ok",
        "request_id": "request-1",
        "ms": 250.0,
        "count": 3,
    }


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            TemporaryFailure("store away", message_id=5),
            {"outcome": "temporary_failure", "message_id": 5},
        ),
        (
            ValueError("private words"),
            {"outcome": "error", "level": "error", "error": "ValueError"},
        ),
    ],
)
def test_an_escaped_error_hands_out_the_whole_batch(
    posthorn: Posthorn, capsys: pytest.CaptureFixture[str], error: Exception, told: dict[str, Any]
) -> None:
    async def work(program: Posthorn, batch: Invocation) -> Collection[str]:
        raise error

    answer = registered(work)(EVENT, CONTEXT)
    assert [item["itemIdentifier"] for item in answer["batchItemFailures"]] == ["a", "b", "c"]
    (line,) = lines(capsys)
    assert line | told == line
    assert "private words" not in json.dumps(line)


def test_the_error_of_an_occasion_reaches_lambda(
    posthorn: Posthorn, capsys: pytest.CaptureFixture[str]
) -> None:
    fails = [False, True]

    async def sweep(program: Posthorn, notes: Notes) -> None:
        notes["woken"] = 1
        if fails.pop(0):
            raise TemporaryFailure("away") from OSError("secret")

    app, blueprint = Chalice("test", configure_logs=False), Blueprint(__name__)
    handler = blueprint.schedule(Rate(1, unit=Rate.MINUTES), name="sweep")(
        on_schedule("sweep", sweep)
    )
    app.register_blueprint(blueprint)
    names = ("version", "account", "region", "source", "detail-type", "time", "id")
    event = dict.fromkeys(names, "") | {"resources": [], "detail": {}}
    handler(event, CONTEXT)
    with pytest.raises(TemporaryFailure):
        handler(event, CONTEXT)
    good, bad = lines(capsys)
    assert (good["outcome"], good["woken"]) == ("ok", 1)
    assert (bad["outcome"], bad["cause"], bad["woken"]) == ("temporary_failure", "OSError", 1)
    assert "secret" not in json.dumps(bad)


def test_calls_to_aws_are_counted_by_operation(
    posthorn: Posthorn, capsys: pytest.CaptureFixture[str]
) -> None:
    counts = {"s3.PutObject": 2, "sqs.SendMessage": 1}
    units = [1.5]
    meter: Any = SimpleNamespace(
        snapshot=lambda: Usage(dict(counts), bytes_sent=100 * len(counts), write_units=units[0])
    )
    bootstrap.use(bootstrap.in_memory(parts={Meter: meter}))
    with UnitOfWork("unit", "", {}):
        counts["s3.PutObject"] += 3
        counts["dynamodb.PutItem"] = 1
        units[0] += 3.0
    (line,) = lines(capsys)
    assert line["aws"] == {"s3.PutObject": 3, "dynamodb.PutItem": 1}
    assert line["units"] == {"write": 3.0, "read": 0.0}
    assert line["bytes"] == {"sent": 100, "received": 0}
