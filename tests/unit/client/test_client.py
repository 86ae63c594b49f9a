"""The Python client over a transport that answers as told: what it sends, what it repeats, what it raises."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from posthorn_client import (
    Answer,
    Client,
    PosthornError,
    ProblemError,
    Unreachable,
    UnreadableAnswer,
    WrongField,
)
from posthorn_client.transport import Sent

EMAIL: Any = {"from": "a@acme.test", "to": "b@example.com", "text": "Hi"}
GONE = Unreachable("nobody there")


def answer(value: Any = None, status: int = 200, **headers: str) -> Answer:
    body = b"" if value is None else json.dumps(value).encode()
    return Answer(status, {name.replace("_", "-"): text for name, text in headers.items()}, body)


def busy(status: int = 503, code: str = "temporary", **headers: str) -> Answer:
    return answer({"code": code, "detail": "Later", "status": status}, status, **headers)


@dataclass
class Scripted:
    """Answers in turn, and keeps what was sent."""

    answers: list[Answer | Exception]
    seen: list[Sent] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)

    def send(self, sent: Sent) -> Answer:
        self.seen.append(sent)
        found = self.answers.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    def fetch(self, url: str) -> Answer:
        self.fetched.append(url)
        return answer({"fetched": True})

    def close(self) -> None:
        self.fetched.append("closed")


def client_of(*answers: Answer | Exception, **more: Any) -> tuple[Client, Scripted, list[float]]:
    script, slept = Scripted(list(answers)), list[float]()
    return Client(script, "ph_key", sleep=slept.append, **more), script, slept


def headers_of(script: Scripted, number: int = 0) -> Mapping[str, str]:
    return script.seen[number].headers


def test_a_request_is_written_as_the_api_reads_it() -> None:
    client, script, _ = client_of(answer({"data": []}), tenant="acme/mail")
    client.list_emails(to="straße@example.com", limit=5)
    (sent,) = script.seen
    assert (sent.method, sent.body) == ("GET", None)
    assert sent.target == "/api/v2/emails?limit=5&to=stra%C3%9Fe%40example.com"
    assert sent.headers["Authorization"] == "Bearer ph_key"
    assert sent.headers["Posthorn-Tenant"] == "acme/mail"
    assert "Idempotency-Key" not in sent.headers
    assert "ph_key" not in repr(sent)


def test_a_call_may_name_another_tenant() -> None:
    client, script, _ = client_of(answer({}), tenant="acme/mail")
    client.send_email(EMAIL, tenant="acme/shop", idempotency_key="mine")
    assert headers_of(script)["Posthorn-Tenant"] == "acme/shop"
    assert headers_of(script)["Idempotency-Key"] == "mine"
    assert json.loads(script.seen[0].body or b"") == EMAIL


def test_what_is_no_name_is_not_sent() -> None:
    client, script, _ = client_of()
    for wrong in ("", ".", ".."):
        with pytest.raises(ValueError, match="names nothing"):
            client.show_email(wrong)
    with pytest.raises(ValueError, match="tenant"):
        client.list_emails(tenant="acme\r\nX: y")
    with pytest.raises(ValueError, match="key") as refused:
        Client(script, "ph_secret\n")
    assert "ph_secret" not in str(refused.value)
    assert script.seen == []


def test_a_name_cannot_be_another_path() -> None:
    client, script, _ = client_of(answer({}))
    client.show_credential("a/../b?c#d%2f")
    assert script.seen[0].target == "/api/v2/credentials/a%2F..%2Fb%3Fc%23d%252f"


def test_busy_is_asked_again_with_one_key() -> None:
    client, script, slept = client_of(busy(retry_after="3"), busy(429), answer({"id": 1}))
    assert client.send_email(EMAIL)["id"] == 1
    assert slept[0] == 3
    assert 0 < slept[1] <= 1
    keys = {headers_of(script, number)["Idempotency-Key"] for number in range(3)}
    assert len(keys) == 1
    assert len(keys.pop()) == 36


@pytest.mark.parametrize(
    ("retry_after", "longest"), [("91", 90.0), ("86400", 90.0), ("30", 5.0), ("30", 0.0)]
)
def test_nobody_waits_longer_than_they_said(retry_after: str, longest: float) -> None:
    client, script, slept = client_of(busy(429, retry_after=retry_after), longest_wait=longest)
    with pytest.raises(ProblemError) as refused:
        client.list_emails()
    assert refused.value.retry_after == float(retry_after)
    assert (len(script.seen), slept) == (1, [])


def test_tries_are_counted() -> None:
    client, script, _ = client_of(*[busy() for _ in range(9)], retries=2)
    with pytest.raises(ProblemError, match="Later"):
        client.list_emails()
    assert len(script.seen) == 3


def test_without_retries_no_key_is_made() -> None:
    client, script, _ = client_of(busy(), retries=0)
    with pytest.raises(ProblemError):
        client.send_email(EMAIL)
    assert "Idempotency-Key" not in headers_of(script)


def test_no_answer_is_asked_again_where_twice_does_no_harm() -> None:
    client, script, _ = client_of(GONE, answer({"data": []}))
    assert client.list_emails()["data"] == []
    client, script, _ = client_of(GONE, busy(409, "idempotency_key_in_flight"), answer({"id": 1}))
    assert client.send_email(EMAIL)["id"] == 1
    assert len(script.seen) == 3
    client, script, _ = client_of(GONE)
    with pytest.raises(Unreachable):
        client.revoke_key("abc")
    assert len(script.seen) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 422, 500])
def test_what_would_not_help_is_not_repeated(status: int) -> None:
    client, script, _ = client_of(busy(status))
    with pytest.raises(ProblemError) as refused:
        client.send_email(EMAIL)
    assert (refused.value.status, len(script.seen)) == (status, 1)


def test_a_problem_says_all_that_it_says() -> None:
    problem = {
        "type": "urn:posthorn:problem:invalid_request",
        "status": 422,
        "code": "invalid_request",
        "detail": "The request has wrong fields; see errors",
        "request_id": "r1",
        "errors": [{"pointer": "/to", "code": "missing", "detail": "is required"}],
        "scope": None,
    }
    client, _, _ = client_of(answer(problem, 422))
    with pytest.raises(ProblemError) as refused:
        client.send_email(EMAIL)
    found = refused.value
    assert (found.status, found.code, found.request_id) == (422, "invalid_request", "r1")
    assert found.errors == (WrongField("/to", "missing", "is required"),)
    assert str(found) == "The request has wrong fields: /to is required"
    assert found.members == problem
    assert isinstance(found, PosthornError)


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"[" * 100_000, b'{"errors": [1, {}]}', b"\xff"]
)
def test_an_error_that_is_no_problem_is_one_all_the_same(body: bytes) -> None:
    client, _, _ = client_of(Answer(404, {}, body))
    with pytest.raises(ProblemError, match="The API answered 404"):
        client.show_email(1)


@pytest.mark.parametrize(
    ("status", "body"), [(200, b"<html>"), (200, b"["), (200, b""), (302, b"")]
)
def test_an_answer_of_somebody_else_is_said(status: int, body: bytes) -> None:
    client, _, _ = client_of(Answer(status, {"location": "http://elsewhere.test"}, body))
    with pytest.raises(UnreadableAnswer):
        client.list_emails()


def test_pages_are_asked_for_as_they_are_needed() -> None:
    def page(first: int, cursor: str | None) -> Answer:
        data = [{"id": first}, {"id": first - 1}]
        return answer({"data": data, "has_more": cursor is not None, "next_cursor": cursor})

    client, script, _ = client_of(page(4, "c"), page(2, None))
    row = client.all_emails(direction="incoming", limit=2)
    assert next(row)["id"] == 4
    assert len(script.seen) == 1
    assert [one["id"] for one in row] == [3, 2, 1]
    assert script.seen[1].target == "/api/v2/emails?limit=2&cursor=c&direction=incoming"


def test_an_empty_page_is_not_the_end() -> None:
    pages = [
        {"data": [], "has_more": True, "next_cursor": "c"},
        {"data": [{"id": 1}], "has_more": False, "next_cursor": None},
    ]
    client, _, _ = client_of(*map(answer, pages))
    assert [one["id"] for one in client.all_emails()] == [1]


def test_large_content_is_fetched_where_it_is() -> None:
    client, script, _ = client_of(answer(status=303, location="http://bucket.test/x"))
    assert json.loads(client.show_raw_email(1)) == {"fetched": True}
    assert script.fetched == ["http://bucket.test/x"]


def test_nothing_is_answered_with_nothing() -> None:
    client, script, _ = client_of(answer(status=204))
    with client:
        assert client.revoke_key("abc") is None  # type: ignore[func-returns-value]  # that it is nothing
    assert script.fetched == ["closed"]
