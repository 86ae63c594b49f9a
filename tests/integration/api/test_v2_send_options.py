"""Stream, metadata, schedule and one-click fields of a message by HTTP: as the request says, or the fields of the
message, which are taken out of it."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.http_api import ApiWorld
from tests.integration.api.test_v2_management import places

EMAIL = {"from": "app@acme.test", "to": "x@example.com", "subject": "s", "text": "Hello"}
TENANT = "acme/app"
DAY = 86_400
RAW = b"From: app@acme.test\r\nTo: x@example.com\r\nSubject: s\r\n"
BODY = b"\r\nHello\r\n"


def sent(api: ApiWorld, **more: Any) -> Any:
    reply = api.v2("POST", "/emails", EMAIL | more)
    assert reply.status == 202, reply
    return api.v2("GET", f"/emails/{reply.json['id']}").json


def raw(fields: bytes) -> dict[str, Any]:
    """A finished message with these fields among its others."""
    content = base64.b64encode(RAW + fields + BODY).decode()
    return {"from": "app@acme.test", "to": "x@example.com", "raw": content}


def sent_raw(api: ApiWorld, fields: bytes, **more: Any) -> Any:
    reply = api.v2("POST", "/emails", raw(fields) | more)
    assert reply.status == 202, reply
    return api.v2("GET", f"/emails/{reply.json['id']}").json


def test_what_nobody_says_has_its_default(api: ApiWorld) -> None:
    for found in (sent(api), sent(api, stream=None, metadata=None, unsubscribe=None)):
        assert (found["stream"], found["metadata"]) == ("transactional", {})
        assert found["scheduled_at"] is None


def test_a_message_says_its_stream_and_metadata(api: ApiWorld) -> None:
    api.manage("POST", "/streams", {"name": "news", "type": "broadcast"}, TENANT)
    metadata = {"order": "17", "a-B_9": "Größe 🐘", "empty": ""}
    found = sent(api, stream="news", metadata=metadata)
    assert (found["stream"], found["metadata"]) == ("news", metadata)
    (listed,) = api.v2("GET", "/emails").json["data"]
    assert (listed["stream"], listed["metadata"]) == ("news", metadata)


def test_a_stream_that_is_not_there_is_refused_and_stays_on_mail_that_named_it(
    api: ApiWorld,
) -> None:
    wrong = api.v2("POST", "/emails", EMAIL | {"stream": "news"})
    assert (wrong.status, places(wrong)) == (422, [("/stream", "unknown_reference")])
    api.manage("POST", "/streams", {"name": "news", "type": "broadcast"}, TENANT)
    found = sent(api, stream="news")
    api.manage("DELETE", "/streams/news", tenant=TENANT)
    assert api.v2("GET", f"/emails/{found['id']}").json["stream"] == "news"
    assert api.v2("POST", "/emails", EMAIL | {"stream": "news"}).status == 422
    batch = api.v2("POST", "/emails/batch", [EMAIL, EMAIL | {"stream": "news"}]).json
    assert (batch["accepted"], batch["rejected"]) == (1, 1)
    (fault,) = batch["data"][1]["problem"]["errors"]
    assert (fault["pointer"], fault["code"]) == ("/stream", "unknown_reference")


@pytest.mark.parametrize(
    ("metadata", "at"),
    [
        ({f"n{number}": "x" for number in range(21)}, "/metadata"),
        ({"a b": "x"}, "/metadata/a b"),
        ({"x" * 41: "x"}, f"/metadata/{'x' * 41}"),
        ({"": "x"}, "/metadata/"),
        ({"a\n": "x"}, "/metadata/a\n"),
        ({"a": "x" * 501}, "/metadata/a"),
        ({"a": 17}, "/metadata/a"),
        ({"a": None}, "/metadata/a"),
        ({f"n{number}": "ü" * 250 for number in range(10)}, "/metadata"),
        (["a"], "/metadata"),
        ("a", "/metadata"),
    ],
)
def test_metadata_beyond_its_limits_is_named(api: ApiWorld, metadata: Any, at: str) -> None:
    wrong = api.v2("POST", "/emails", EMAIL | {"metadata": metadata})
    assert wrong.status == 422
    assert [place for place, _ in places(wrong)] == [at]


def test_metadata_up_to_its_limits_is_kept(api: ApiWorld) -> None:
    full = {f"n{number:02}": "x" * 190 for number in range(20)}
    assert len(json.dumps(full, separators=(",", ":"))) <= 4_096
    assert sent(api, metadata=full)["metadata"] == full
    assert sent(api, metadata={"a": "x" * 500})["metadata"] == {"a": "x" * 500}


def test_fields_of_a_finished_message_act_and_are_taken_out(api: ApiWorld) -> None:
    api.manage("POST", "/streams", {"name": "news", "type": "broadcast"}, TENANT)
    fields = (
        b"x-posthorn-stream: news\r\nX-Posthorn-Track: yes\r\n"
        b'X-POSTHORN-Metadata: {"order":\r\n "17"}\r\nX-Posthorn-Unsubscribe: No\r\n'
    )
    found = sent_raw(api, fields)
    assert (found["stream"], found["metadata"]) == ("news", {"order": "17"})
    assert api.content(found["id"]) == RAW + b"X-Posthorn-Track: yes\r\n" + BODY


def test_what_the_request_says_wins(api: ApiWorld) -> None:
    fields = b'X-Posthorn-Stream: nowhere\r\nX-Posthorn-Metadata: {"a":"1"}\r\n'
    found = sent_raw(api, fields, stream="broadcast", metadata={})
    assert (found["stream"], found["metadata"]) == ("broadcast", {})
    assert api.content(found["id"]) == RAW + BODY


def test_fields_among_the_headers_of_a_request_act_too(api: ApiWorld) -> None:
    found = sent(api, headers={"X-Posthorn-Stream": "broadcast", "X-Other": "stays"})
    assert found["stream"] == "broadcast"
    content = api.content(found["id"])
    assert b"X-Other: stays" in content
    assert b"posthorn-stream" not in content.lower()
    wrong = api.v2("POST", "/emails", EMAIL | {"headers": {"X-Posthorn-Stream": "no"}})
    assert places(wrong) == [("/headers/X-Posthorn-Stream", "unknown_reference")]


@pytest.mark.parametrize(
    "field",
    [
        b"X-Posthorn-Stream: nowhere",
        b"X-Posthorn-Stream: News!",
        b"X-Posthorn-Metadata: {",
        b"X-Posthorn-Metadata: []",
        b"X-Posthorn-Metadata: null",
        b'X-Posthorn-Metadata: {"a": 1}',
        b'X-Posthorn-Metadata: {"a b": "1"}',
        b'X-Posthorn-Metadata: {"a": "\\ud800"}',
        b"X-Posthorn-Metadata: " + b"[" * 30_000,
        b'X-Posthorn-Metadata: {"a": "' + b"x" * 100_000 + b'"}',
        b'X-Posthorn-Metadata: {"a":"\\ud800"}',
        b'X-Posthorn-Metadata: {"a":"1","b":"2","a":"1"}',
        b"X-Posthorn-Schedule: tomorrow",
        b"X-Posthorn-Schedule: 2030-01-01",
        b"X-Posthorn-Schedule: 2030-13-01T00:00:00Z",
        b"X-Posthorn-Schedule: 2030-01-01T00:00:00",
        b"X-Posthorn-Schedule: 9999-12-31T23:59:59Z",
        b"X-Posthorn-Unsubscribe: maybe",
        b"X-Posthorn-Unsubscribe:",
        b"X-Posthorn-Idempotency-Key: " + b"k" * 257,
        b"X-Posthorn-Idempotency-Key: sch\xc3\xb6n",
        b"X-Posthorn-Unsubscribe: yes\r\nx-posthorn-unsubscribe: yes",
    ],
    ids=lambda field: field[11:40].decode("latin-1"),
)
def test_a_wrong_field_refuses_the_message_by_its_place(api: ApiWorld, field: bytes) -> None:
    wrong = api.v2("POST", "/emails", raw(field + b"\r\n"))
    assert wrong.status == 422
    assert [place for place, _ in places(wrong)] == ["/raw"]
    assert api.count() == 0


def test_version_1_sends_as_before_and_takes_the_fields_out(api: ApiWorld) -> None:
    wanted = {"from": "app@acme.test", "to": ["x@example.com"], "plain_body": "Hello"}
    answer = api.v1("send/message", wanted | {"headers": {"X-Posthorn-Stream": "broadcast"}})
    (made,) = answer["data"]["messages"].values()
    assert api.v2("GET", f"/emails/{made['id']}").json["stream"] == "broadcast"
    assert b"Posthorn-Stream" not in api.content(made["id"])
    refused = api.v1("send/message", wanted | {"headers": {"X-Posthorn-Stream": "nowhere"}})
    assert refused["status"] != "success"


def test_a_key_in_a_message_is_accepted_once(api: ApiWorld) -> None:
    fields = b"X-Posthorn-Idempotency-Key: order 17\r\n"
    first = api.v2("POST", "/emails", raw(fields))
    again = api.v2("POST", "/emails", raw(fields))
    assert (again.status, again.json) == (202, first.json)
    changed = raw(fields + b"X-Other: built anew\r\n")
    reused = api.v2("POST", "/emails", changed)
    assert (reused.status, reused.json["code"]) == (422, "idempotency_key_reused")
    batch = api.v2("POST", "/emails/batch", [changed, raw(fields), raw(fields) | {"tag": "b"}]).json
    items = [one["problem"]["code"] if one["problem"] else one["status"] for one in batch["data"]]
    assert items == ["idempotency_key_reused", 202, "idempotency_key_reused"]
    assert api.count() == 1
    other = api.v2("POST", "/emails", raw(fields) | {"to": "y@example.com"})
    assert other.json["id"] != first.json["id"]
    own = api.v2("POST", "/emails", raw(fields), idempotency_key="mine")
    assert own.json["id"] not in (first.json["id"], other.json["id"])
    api.scene.clock.advance(DAY + 1)
    assert api.v2("POST", "/emails", raw(fields)).json["id"] != first.json["id"]


def test_a_key_among_the_fields_of_a_request_is_accepted_once(api: ApiWorld) -> None:
    wanted = {
        "from": "app@acme.test",
        "to": "x@example.com",
        "text": "Hello",
        "headers": {"X-Posthorn-Idempotency-Key": "order 18"},
    }
    first = api.v2("POST", "/emails", wanted)
    api.scene.clock.advance(5)
    again = api.v2("POST", "/emails", wanted)
    assert (first.status, again.status, again.json) == (202, 202, first.json)
    reused = api.v2("POST", "/emails", wanted | {"text": "Hallo"})
    assert (reused.status, reused.json["code"]) == (422, "idempotency_key_reused")
    assert api.count() == 1


def test_a_key_is_given_back_with_a_message_that_is_refused(api: ApiWorld) -> None:
    fields = b"X-Posthorn-Idempotency-Key: order 17\r\n"
    refused = raw(fields + b"X-Posthorn-Stream: nowhere\r\n")
    assert api.v2("POST", "/emails", refused).status == 422
    assert api.v2("POST", "/emails", raw(fields)).status == 202
