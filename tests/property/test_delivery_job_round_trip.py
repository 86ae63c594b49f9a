"""A wake-up survives its text, and any other text is refused, in linear time."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.delivery_job import LONGEST, parse_job, render_job
from chalicelib.domain.dsn_parameters import DsnParameters
from chalicelib.domain.errors import Rejected
from chalicelib.domain.inspection import (
    Authentication,
    DkimSignature,
    Inspection,
    Spam,
    SpamCheck,
    Spf,
    Threat,
)
from chalicelib.domain.model import (
    Arrival,
    BlobRef,
    Delivery,
    DeliveryJob,
    Message,
    Origin,
    PendingOutcome,
    Scope,
    State,
    Status,
)
from chalicelib.domain.numbering import MessageId, ServerId
from tests.fakes import a_delivery, a_job, a_message

texts = st.text(max_size=80)
numbers = st.integers(0, 2**53)
times = st.floats(0, 2**40, allow_nan=False)


def maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """A value or None."""
    return st.none() | values


messages = st.builds(
    Message,
    server_id=numbers.map(ServerId),
    id=st.integers(0, 2**31 - 1).map(MessageId),
    token=texts,
    scope=st.sampled_from(Scope),
    mail_from=texts,
    rcpt_to=texts,
    subject=texts,
    message_id=texts,
    received_at=times,
    size=numbers,
    blob=st.builds(BlobRef, texts, numbers, numbers),
    origin=st.builds(Origin, texts, texts, texts),
    tag=maybe(texts),
    bounce=st.booleans(),
    hold=st.booleans(),
    received_with_ssl=st.booleans(),
    smtputf8=st.booleans(),
    dsn=maybe(st.builds(DsnParameters, texts, texts, texts, texts)),
    arrival=maybe(st.builds(Arrival, texts, texts, st.booleans(), texts, texts, texts, texts)),
)
deliveries = st.builds(
    Delivery,
    id=numbers,
    status=st.sampled_from(Status),
    details=texts,
    at=times,
    output=maybe(texts),
    sent_with_ssl=st.booleans(),
    log_id=maybe(texts),
    seconds=maybe(times),
    tls=maybe(texts),
    source=maybe(texts),
    remote=maybe(texts),
    about_us=st.booleans(),
    cause=maybe(texts),
    report=maybe(numbers),
)
checks = st.lists(st.builds(SpamCheck, texts, times, texts), max_size=3).map(tuple)
inspections = st.builds(
    Inspection,
    spam=st.builds(Spam, times, times, maybe(texts), checks),
    threat=st.builds(Threat, st.booleans(), texts),
    authentication=st.builds(
        Authentication,
        spf=st.builds(Spf, texts, maybe(texts), maybe(texts)),
        dkim=st.lists(st.builds(DkimSignature, texts, texts, texts), max_size=2).map(tuple),
        arc=texts,
    ),
)
outcomes = st.builds(
    PendingOutcome,
    inspection=maybe(inspections),
    bounce_of=maybe(st.integers(0, 2**31 - 1).map(MessageId)),
    owner=texts,
    state=st.sampled_from(State),
    tries=numbers,
    wake_at=numbers,
    by_sweeper=st.booleans(),
    hold_expires_at=maybe(numbers),
    delivery=deliveries,
    lost_replies=numbers,
)
items = st.builds(DeliveryJob, messages, numbers, st.booleans(), maybe(outcomes))


@given(items)
def test_what_is_rendered_is_parsed(item: DeliveryJob) -> None:
    text = render_job(item)
    assert text.isascii()
    assert parse_job(text) == item


@given(items, st.text(min_size=1), st.recursive(st.none() | texts, st.lists, max_leaves=3))
def test_a_name_of_a_newer_release_is_kept_out(item: DeliveryJob, name: str, value: Any) -> None:
    fields = json.loads(render_job(item))
    newer = {f"+{name}": value}
    inner = fields | newer
    if "y" in inner:
        delivery = inner["y"]["d"] | newer
        inner["y"] = inner["y"] | newer | {"d": delivery}
    assert parse_job(json.dumps(inner)) == item


@given(items, st.sampled_from(["+", "", 1, None, ["a"]]))
def test_what_must_be_understood_and_is_not_is_refused(item: DeliveryJob, name: Any) -> None:
    fields = json.loads(render_job(item)) | {"+": 1}
    assert parse_job(json.dumps(fields | {"must": []})) == item
    assert parse_job(json.dumps(fields | {"must": ["a", "y", "p"]})) == item
    with pytest.raises(Rejected):
        parse_job(json.dumps(fields | {"must": ["a", name]}))
    if "y" in fields:
        outcome = fields["y"] | {"must": [name]}
        with pytest.raises(Rejected):
            parse_job(json.dumps(fields | {"y": outcome}))


@given(items, st.sampled_from(["webhook", "", 1, None, ["delivery"]]))
def test_a_job_of_another_kind_is_refused(item: DeliveryJob, kind: Any) -> None:
    fields = json.loads(render_job(item))
    assert parse_job(json.dumps(fields | {"kind": "delivery"})) == item
    with pytest.raises(Rejected):
        parse_job(json.dumps(fields | {"kind": kind}))


@given(
    st.text()
    | st.recursive(st.none() | st.booleans() | st.floats() | texts, st.lists).map(json.dumps)
)
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(Rejected):
        parse_job(text)


@given(items, st.data())
def test_a_field_of_another_kind_is_refused(item: DeliveryJob, data: st.DataObject) -> None:
    fields = json.loads(render_job(item))
    name = data.draw(st.sampled_from(sorted(fields)))
    other = data.draw(st.sampled_from([True, -1, 1.5, {}, [[]], ["x"] * 3, 2**70, {"x": 1}]))
    if (name, other) == ("x", 1.5):
        other = "1.5"
    with pytest.raises(Rejected):
        parse_job(json.dumps(fields | {name: other}))


@given(items, st.data())
def test_a_missing_field_is_refused(item: DeliveryJob, data: st.DataObject) -> None:
    fields = json.loads(render_job(item))
    name = data.draw(st.sampled_from(sorted(set(fields) - {*"bhlugnwy", "ar"})))
    with pytest.raises(Rejected):
        parse_job(json.dumps({key: value for key, value in fields.items() if key != name}))


@pytest.mark.parametrize("text", ["NaN", "1e999", "-1", '"x"', "null"])
def test_a_time_that_is_no_time_is_refused(text: str) -> None:
    rendered = render_job(a_job(a_message(ServerId(1), 1, received_at=12.5)))
    assert '"x":12.5' in rendered
    with pytest.raises(Rejected):
        parse_job(rendered.replace('"x":12.5', f'"x":{text}'))


def test_an_ordinary_job_is_about_six_hundred_bytes() -> None:
    message = a_message(ServerId(1_000_000), 2_000_000_000, tag="invoice")
    assert len(render_job(a_job(message))) <= 600
    settled = replace(
        a_job(message),
        outcome=PendingOutcome("o" * 32, State.DONE, 0, 0, False, None, a_delivery(7)),
    )
    assert len(render_job(settled)) <= 1_000


@pytest.mark.parametrize("piece", ["[", '{"a":', " ", '"', "\\", "1", "9" * 50, "(", "\r\n", "é"])
def test_hostile_texts_are_refused_in_linear_time(piece: str) -> None:
    def seconds(size: int) -> float:
        text = piece * (size // len(piece))
        best = 9.0
        for _ in range(3):
            started = time.process_time()
            with pytest.raises(Rejected):
                parse_job(text)
            best = min(best, time.process_time() - started)
        return best

    assert seconds(LONGEST) < 40 * seconds(LONGEST // 4) + 0.01
    assert seconds(1_048_576) < 0.05 + 40 * seconds(LONGEST)
