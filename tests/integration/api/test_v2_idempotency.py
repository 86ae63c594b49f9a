"""Idempotency-Key: one answer for each key, and only for work that was done."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from chalicelib import bootstrap
from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.tenancy.credentials import CredentialKind
from chalicelib.ports.idempotency import IdempotencyClaim, IdempotencyKeys
from chalicelib.ports.intake import Intake
from chalicelib.services.tenancy.credentials import Credentials
from chalicelib.services.tenancy.servers import Servers
from tests.http_api import ApiWorld, Reply
from tests.patience import PATIENCE

GOOD = {"from": "app@acme.test", "to": "x@example.com", "text": "Hello"}


def post(api: ApiWorld, key: str, value: Any = None, **headers: str) -> Reply:
    return api.v2("POST", "/emails", value or GOOD, idempotency_key=key, **headers)


def test_the_same_request_gets_the_first_answer_again(api: ApiWorld) -> None:
    first, second = post(api, "one"), post(api, "one")
    assert (first.status, second.status) == (202, 202)
    assert first.body == second.body
    assert "idempotent-replayed" not in first.headers
    assert second.headers["idempotent-replayed"] == "true"
    assert api.count() == 1


def test_another_key_or_none_sends_again(api: ApiWorld) -> None:
    bodies = {post(api, "one").body, post(api, "two").body, api.v2("POST", "/emails", GOOD).body}
    assert len(bodies) == 3
    assert api.count() == 3


def test_another_body_is_a_422(api: ApiWorld) -> None:
    assert post(api, "one").status == 202
    reply = post(api, "one", GOOD | {"text": "Other"})
    assert (reply.status, reply.json["code"]) == (422, "idempotency_key_reused")
    assert api.count() == 1


def test_another_endpoint_is_another_request(api: ApiWorld) -> None:
    assert post(api, "one").status == 202
    assert api.v2("POST", "/emails/batch", [GOOD], idempotency_key="one").status == 422


def test_a_request_in_flight_is_a_409(api: ApiWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    started, go_on = threading.Event(), threading.Event()
    real = api.scene.posthorn[Intake].store

    async def slow(*args: Any) -> Any:
        started.set()
        while not go_on.is_set():
            await asyncio.sleep(0.005)
        return await real(*args)

    monkeypatch.setattr(api.scene.posthorn[Intake], "store", slow)
    replies: list[Reply] = []
    first = threading.Thread(target=lambda: replies.append(post(api, "one")))
    first.start()
    assert started.wait(PATIENCE)
    second = post(api, "one")
    go_on.set()
    first.join(PATIENCE)
    assert (second.status, second.json["code"]) == (409, "idempotency_key_in_flight")
    assert replies[0].status == 202
    assert post(api, "one").headers["idempotent-replayed"] == "true"
    assert api.count() == 1


def test_a_refused_request_gives_its_key_back(api: ApiWorld) -> None:
    assert post(api, "one", GOOD | {"from": "app@other.test"}).status == 403
    assert post(api, "one", GOOD | {"subject": 5}).status == 422
    assert post(api, "one").status == 202


def test_a_batch_of_which_nothing_was_accepted_gives_its_key_back(api: ApiWorld) -> None:
    bad = GOOD | {"from": "app@other.test"}
    for items, replayed in (([bad], None), ([GOOD, bad], None), ([GOOD, bad], "true")):
        reply = api.v2("POST", "/emails/batch", items, idempotency_key="one")
        assert reply.status == 200
        assert reply.headers.get("idempotent-replayed") == replayed


def test_a_failing_store_gives_the_key_back(api: ApiWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_: Any) -> None:
        raise TemporaryFailure("Storage is away")

    with monkeypatch.context() as patch:
        patch.setattr(api.scene.posthorn[Intake], "store", away)
        assert post(api, "one").status == 503
    assert post(api, "one").status == 202


def test_an_answer_that_cannot_be_kept_is_given_all_the_same(
    api: ApiWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: Any) -> None:
        raise TemporaryFailure("Storage is away")

    monkeypatch.setattr(api.scene.posthorn[IdempotencyKeys], "complete", away)
    assert post(api, "one").status == 202
    assert api.count() == 1


def test_keys_end_after_a_day_and_open_claims_after_a_minute(
    api: ApiWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys, server = api.scene.posthorn[IdempotencyKeys], api.scene.server.id
    assert post(api, "day").status == 202
    api.scene.clock.advance(86_401)
    assert "idempotent-replayed" not in post(api, "day").headers
    bootstrap.run(keys.begin(server, "open", mark_of(api), api.scene.clock.now()))
    assert post(api, "open").status == 409
    api.scene.clock.advance(61)
    assert post(api, "open").status == 202


def mark_of(api: ApiWorld) -> str:
    """What the store has for a request with GOOD."""
    marks: list[str] = []
    keys = api.scene.posthorn[IdempotencyKeys]
    real = keys.begin

    async def begin(server: ServerId, key: str, mark: str, now: float) -> IdempotencyClaim:
        marks.append(mark)
        return await real(server, key, mark, now)

    with pytest.MonkeyPatch.context() as watched:
        watched.setattr(keys, "begin", begin)
        post(api, "seen")
    return marks[0]


def test_keys_of_another_server_are_other_keys(api: ApiWorld) -> None:
    other = bootstrap.run(api.scene.posthorn[Servers].create(api.scene.organization, "Other"))
    _, key = bootstrap.run(api.scene.posthorn[Credentials].create(other, CredentialKind.API, "api"))
    assert post(api, "one").status == 202
    reply = post(api, "one", authorization=f"Bearer {key}")
    assert reply.status == 403  # the domain is the first server's: refused by itself, not replayed


@pytest.mark.parametrize("key", ["", " ", "x" * 257, "a\x01b", "ä"])
def test_a_bad_key_is_a_422(api: ApiWorld, key: str) -> None:
    reply = post(api, key)
    assert reply.status == 422
    assert reply.json["errors"][0]["code"] == "idempotency_key"
    assert api.count() == 0


def test_the_longest_key_is_taken(api: ApiWorld) -> None:
    assert post(api, "x" * 256).status == 202
