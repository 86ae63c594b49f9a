"""What one request makes the API work on and answer is bounded, whatever its fields hold."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chalicelib.api.json_body import fits_an_answer
from chalicelib.api.v2.bounds import (
    MOST_ENTRIES,
    MOST_ERRORS,
    MOST_MEMBERS,
    MOST_VALUES,
    excess,
    pointer,
)
from chalicelib.config import Settings
from chalicelib.domain.mail.compose import compose
from chalicelib.services.outgoing import submit
from tests.growth import assert_linear
from tests.http_api import ApiWorld, Reply, api_world

GOOD = {"from": "app@acme.test", "to": "x@example.com", "text": "Hello"}


@pytest.fixture
def api() -> Any:
    with api_world() as world:
        yield world


def errors(reply: Reply) -> list[dict[str, str]]:
    assert reply.status == 422, reply.body[:300]
    assert fits_an_answer(reply.body.decode())
    found: list[dict[str, str]] = reply.json["errors"]
    return found


def unknown(number: int, name: str = "x") -> dict[str, int]:
    return {f"{name}{n}": 1 for n in range(number)}


def test_wrong_fields_are_named_up_to_a_hundred(api: ApiWorld) -> None:
    reply = api.v2("POST", "/emails", GOOD | unknown(MOST_ERRORS))
    assert len(errors(reply)) == MOST_ERRORS
    assert reply.json["detail"] == "The request has wrong fields; see errors"
    reply = api.v2("POST", "/emails", GOOD | unknown(MOST_ERRORS + 1))
    assert [error["pointer"] for error in errors(reply)] == [f"/x{n}" for n in range(MOST_ERRORS)]
    assert reply.json["detail"] == "The request has more wrong fields than errors names"


@pytest.mark.parametrize(
    ("change", "where", "detail"),
    [
        (unknown(MOST_MEMBERS), "", "has more than 2000 members"),
        (unknown(400_000), "", "has more than 2000 members"),
        ({"headers": unknown(MOST_MEMBERS + 1)}, "/headers", "has more than 2000 members"),
        ({"metadata": unknown(MOST_MEMBERS + 1)}, "/metadata", "has more than 2000 members"),
        ({"to": ["a@b.test"] * (MOST_ENTRIES + 1)}, "/to", "has more than 1000 entries"),
        ({"attachments": [unknown(9)] * 500}, "", "has more than 4000 members and entries"),
        ({"x/y": [[], unknown(MOST_MEMBERS + 1)]}, "/x~1y/1", "has more than 2000 members"),
        ({"x": {"a" * 500: [0] * 1_001}}, "/x/" + "a" * 100 + "…", "has more than 1000 entries"),
    ],
)
def test_a_swollen_request_is_one_error(
    api: ApiWorld, change: dict[str, Any], where: str, detail: str
) -> None:
    (error,) = errors(api.v2("POST", "/emails", GOOD | change))
    assert error == {"pointer": where, "code": "too_many", "detail": detail}


def test_the_largest_valid_message_is_not_swollen(api: ApiWorld) -> None:
    file = {
        "filename": "a",
        "content": "",
        "content_type": "a/b",
        "upload": None,
        "content_id": None,
    }
    value = GOOD | {
        "to": [f"t{n}@example.com" for n in range(50)],
        "cc": [f"c{n}@example.com" for n in range(50)],
        "bcc": [f"b{n}@example.com" for n in range(50)],
        "reply_to": [f"r{n}@example.com" for n in range(50)],
        "headers": {f"X-{n}": "y" for n in range(200)},
        "attachments": [file] * 500,
    }
    assert excess(value) is None
    reply = api.v2("POST", "/emails", value)
    assert reply.status == 202, reply.body


def test_a_batch_names_a_hundred_wrong_fields_and_the_first_of_every_item(api: ApiWorld) -> None:
    items: list[Any] = [GOOD | unknown(80), GOOD, GOOD | unknown(80), GOOD | unknown(5_000)]
    items += [GOOD | unknown(80)] * 20
    reply = api.v2("POST", "/emails/batch", items)
    assert fits_an_answer(reply.body.decode())
    named = [result["problem"] and result["problem"]["errors"] for result in reply.json["data"]]
    assert [problem and len(problem) for problem in named] == [80, None, 20, *[1] * 21]
    assert named[3][0]["code"] == "too_many"
    assert (reply.json["accepted"], reply.json["rejected"]) == (1, 23)


def test_names_that_a_client_invents_do_not_swell_the_answer(api: ApiWorld) -> None:
    reply = api.v2("POST", "/emails", GOOD | unknown(100, name="é" * 40_000))
    assert len(reply.body) < 100_000
    name = "Content-" + "x" * 1_000_000
    (error,) = errors(api.v2("POST", "/emails", GOOD | {"headers": {name: "1"}}))
    assert error["pointer"] == f"/headers/{name[:100]}…"
    assert len(error["detail"]) < 400


def test_looking_for_excess_is_linear_in_deep_and_in_wide_values() -> None:
    def deep(levels: int) -> Any:
        value: Any = []
        for _ in range(levels):
            value = {"n" * 10_000: [value, []]}
        return value

    assert_linear(excess, deep(40), deep(160))
    assert_linear(excess, [[[]] * 30] * 30, [[[]] * 60] * 60)
    assert excess([[0] * 900] * 5) is not None
    assert MOST_VALUES > 500 * 6 + 4 * 50 + 200
    assert pointer("a/b", 3, "~") == "/a~1b/3/~0"


def many_headers(count: int, word: str = "é") -> dict[str, str]:
    return {f"X-{n}": f"{word} " * 4_000 for n in range(count)}


@pytest.fixture
def uncomposed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Composing fails: what the tests send must be refused before."""

    def refuse(*_: Any) -> bytes:
        raise AssertionError("composed")

    monkeypatch.setattr(submit, "compose", refuse)


@pytest.mark.usefixtures("uncomposed")
def test_a_header_that_would_be_too_large_is_not_made(api: ApiWorld) -> None:
    parameters = {"from": "app@acme.test", "to": ["x@example.com"], "plain_body": "x"}
    headers = {"headers": many_headers(200)}
    for attachments in ([], [{"name": "a"}]):
        answer = api.v1("send/message", parameters | headers | {"attachments": attachments})
        assert answer["data"] == {
            "code": "MessageRejected",
            "message": "The header section is too large",
        }
    reply = api.v2("POST", "/emails", GOOD | headers)
    assert (reply.status, reply.json["detail"]) == (422, "The header section is too large")


def test_a_batch_is_no_way_around_the_limit_of_the_header(api: ApiWorld) -> None:
    items = [GOOD | {"headers": many_headers(30)}] * 5
    reply = api.v2("POST", "/emails/batch", items)
    assert [result["status"] for result in reply.json["data"]] == [202, 202, 422, 422, 422]


def test_a_batch_is_no_way_around_the_limit_of_recipients() -> None:
    with api_world(Settings(max_recipients=100)) as api:
        items = [
            GOOD | {"to": [f"u{n}-{k}@example.com" for k in range(size)]}
            for n, size in enumerate((50, 40, 11, 10))
        ]
        reply = api.v2("POST", "/emails/batch", items)
        assert [result["status"] for result in reply.json["data"]] == [202, 202, 422, 202]
        detail = "Too many recipients in one request (maximum 100)"
        assert reply.json["data"][2]["problem"]["detail"] == detail


@pytest.mark.usefixtures("uncomposed")
def test_a_message_that_would_be_too_large_is_not_made() -> None:
    data = "eHh4" * 25_000  # 75,000 octets
    with api_world(Settings(max_message_size=100_000)) as api:
        v1 = {"from": "app@acme.test", "to": ["x@example.com"], "plain_body": "y" * 1_000}
        file = {"name": "a", "data": data}
        answer = api.v1("send/message", v1 | {"attachments": [file]})
        assert answer["data"]["code"] == "MessageTooLarge"
        item = GOOD | {"attachments": [{"filename": "a", "content": data}]}
        assert api.v2("POST", "/emails", item).status == 413
        batch = api.v2("POST", "/emails/batch", [item])
        assert [result["status"] for result in batch.json["data"]] == [413]
        assert api.v2("POST", "/emails", GOOD | {"html": "y" * 100_000}).status == 413


def test_composing_gives_no_less_than_was_added_up(
    api: ApiWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    drafts: list[Any] = []

    def noted(draft: Any, stamp: Any) -> bytes:
        content = compose(draft, stamp)
        drafts.append((draft, content))
        return content

    monkeypatch.setattr(submit, "compose", noted)
    for text in ("é" * 1_000, "a" * 1_000 + "é", "x\r\n" * 300, "=" * 500, "\U0001f600 " * 400):
        one = {"filename": "a", "content": "eHh4" * 100}
        value = GOOD | {
            "text": text,
            "html": text,
            "subject": text.replace("\r\n", " "),
            "reply_to": [f"{text[:200]!r} <a@b.test>"],
            "attachments": [one, one | {"content": "", "content_type": "message/rfc822"}],
        }
        assert api.v2("POST", "/emails", value).status == 202
    for draft, content in drafts:
        header, _, body = content.partition(b"\r\n\r\n")
        assert submit.body_octets(draft) <= len(body)
        assert submit.header_octets(draft) <= len(header)


def test_problems_of_a_batch_are_small(api: ApiWorld) -> None:
    wrong = GOOD | {"attachments": [{"a": 1, "b": 1, "c": 1, "d": 1, "e": 1}] * 480}
    reply = api.v2("POST", "/emails/batch", [wrong] * 20)
    assert len(reply.body) < 40_000
    assert json.loads(reply.body)["rejected"] == 20
