"""Guessing API keys: it is slowed by address, and a right key works from the same address all the while."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib import bootstrap
from chalicelib.domain.errors import Unauthenticated
from chalicelib.domain.ids import is_new_key, key_digest, new_key
from chalicelib.domain.tenancy.credentials import CredentialKind
from chalicelib.services.tenancy import unknown_keys
from chalicelib.services.tenancy.client_directory import ClientDirectory
from chalicelib.services.tenancy.credentials import Credentials
from chalicelib.services.tenancy.unknown_keys import (
    FREE_GUESSES,
    SECONDS_A_GUESS,
    WRONG_SECONDS,
    TooManyUnknownKeys,
    UnknownKeys,
    network_of,
)
from tests.http_api import ApiWorld, Reply, api_world

PING = {"id": 0}


@pytest.fixture
def api() -> Iterator[ApiWorld]:
    with api_world() as world:
        yield world


@pytest.fixture
def looked_up(api: ApiWorld, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The digests that the directory was asked for."""
    asked: list[str] = []
    find = api.scene.posthorn[ClientDirectory].credential

    async def noted(digest: str) -> Any:
        asked.append(digest)
        return await find(digest)

    monkeypatch.setattr(api.scene.posthorn[ClientDirectory], "credential", noted)
    return asked


def ask(api: ApiWorld, key: str) -> Reply:
    return api.v2("GET", "/emails", key=key)


def a_guess() -> str:
    return secrets.token_hex(12)


def a_guess_of_our_shape() -> str:
    key = new_key(secrets.token_bytes(32))
    assert is_new_key(key)
    return key


def bring(api: ApiWorld, key: str) -> None:
    """Make a credential of a key that was made elsewhere, as moved installations do."""
    credentials, kind = api.scene.posthorn[Credentials], CredentialKind.API
    bootstrap.run(credentials.import_key(api.scene.server, kind, "moved", key))


def a_brought_key(api: ApiWorld) -> str:
    key = secrets.token_hex(12)
    bring(api, key)
    return key


def test_after_some_guesses_the_directory_is_not_asked(api: ApiWorld, looked_up: list[str]) -> None:
    replies = [ask(api, a_guess()) for _ in range(5 * FREE_GUESSES)]
    statuses = [reply.status for reply in replies]
    assert statuses == [401] * FREE_GUESSES + [429] * (4 * FREE_GUESSES)
    assert len(looked_up) == FREE_GUESSES
    told = replies[-1]
    assert (told.json["code"], told.headers["content-type"]) == (
        "throttled",
        "application/problem+json",
    )
    assert "retry-after" in told.headers


@pytest.mark.parametrize("guess", [a_guess, a_guess_of_our_shape])
def test_right_keys_work_in_the_middle_of_it(api: ApiWorld, guess: Any) -> None:
    ask(api, api.scene.api_key)
    brought = a_brought_key(api)
    assert ask(api, brought).status == 200
    for _ in range(5 * FREE_GUESSES):
        ask(api, guess())
        for key in (api.scene.api_key, brought):
            assert ask(api, key).status == 200


def test_a_key_of_our_own_that_was_never_seen_works_at_once(api: ApiWorld) -> None:
    for _ in range(5 * FREE_GUESSES):
        ask(api, a_guess())
    assert ask(api, api.scene.api_key).status == 200


def test_a_brought_key_that_was_never_seen_works_when_it_is_sent_again(api: ApiWorld) -> None:
    brought = a_brought_key(api)
    for _ in range(5 * FREE_GUESSES):
        ask(api, a_guess())
    assert [ask(api, brought).status for _ in range(4)] == [429, 200, 200, 200]


def test_one_wrong_key_repeated_is_one_guess(api: ApiWorld, looked_up: list[str]) -> None:
    wrong = a_guess()
    for _ in range(10):
        assert [ask(api, wrong).status for _ in range(10)] == [401] * 10
        api.scene.clock.advance(WRONG_SECONDS + 1)
    assert looked_up == [key_digest(wrong)] * 10
    assert ask(api, a_brought_key(api)).status == 200


def test_a_key_works_soon_that_was_tried_before_it_was_made(api: ApiWorld) -> None:
    key = secrets.token_hex(12)
    assert ask(api, key).status == 401
    bring(api, key)
    api.scene.clock.advance(WRONG_SECONDS)
    assert ask(api, key).status == 200


def test_a_key_that_was_revoked_is_unknown_like_others(api: ApiWorld) -> None:
    key = api.scene.api_key
    assert ask(api, key).status == 200
    credentials, server = api.scene.posthorn[Credentials], api.scene.server
    for credential in bootstrap.run(credentials.of(server)):
        bootstrap.run(credentials.revoke(server, credential.id))
    assert [ask(api, key).status for _ in range(3)] == [401, 401, 401]


def test_guesses_are_forgiven_with_time(api: ApiWorld) -> None:
    for _ in range(2 * FREE_GUESSES):
        ask(api, a_guess())
    api.scene.clock.advance(SECONDS_A_GUESS * 3)
    assert [ask(api, a_guess()).status for _ in range(5)] == [401, 401, 401, 429, 429]


def test_version_1_answers_in_its_own_shape(api: ApiWorld) -> None:
    codes = [api.v1("messages/message", PING, key=a_guess())["data"]["code"] for _ in range(30)]
    assert codes == ["InvalidServerAPIKey"] * FREE_GUESSES + ["AccessDenied"] * 10
    assert api.v1("messages/message", PING)["data"]["code"] == "MessageNotFound"
    told = api.v1("messages/message", PING, key=a_guess())
    assert (told["status"], told["data"]) == (
        "error",
        {
            "code": "AccessDenied",
            "message": "Too many unknown keys came from this address; send the request again",
        },
    )


def test_requests_without_a_key_are_no_guesses(api: ApiWorld) -> None:
    for _ in range(2 * FREE_GUESSES):
        assert api.v1("messages/message", PING, key="")["data"]["code"] == "AccessDenied"
        assert api.v2("GET", "/emails", authorization="Bearer ").status == 401
    assert ask(api, a_guess()).status == 401


def turned_away(counted: UnknownKeys, address: str) -> bool:
    """Whether a network has used up its guesses; one more is made."""
    digest = secrets.token_hex(16)
    try:
        counted.admit(digest, address, ours=False)
    except TooManyUnknownKeys:
        return True
    counted.was_wrong(digest, address, ours=False)
    return False


def test_networks_are_counted_apart(api: ApiWorld) -> None:
    counted = UnknownKeys(api.scene.clock)
    while not turned_away(counted, "2001:db8::1"):
        pass
    assert turned_away(counted, "2001:db8::ffff:1")
    assert not turned_away(counted, "2001:db8:0:1::1")
    assert not turned_away(counted, "203.0.113.9")
    assert not turned_away(counted, "")
    assert network_of("::ffff:203.0.113.9", ours=True) == network_of("203.0.113.9", ours=True)
    assert network_of("::1", ours=True) == ("::/64", True)


def test_what_is_remembered_is_bounded(api: ApiWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MOST_NETWORKS", "MOST_KEYS"):
        monkeypatch.setattr(unknown_keys, name, 30)
    counted = UnknownKeys(api.scene.clock)
    for number in range(200):
        turned_away(counted, f"192.0.2.{number}")
        turned_away(counted, "198.51.100.1")
        counted.was_right(f"{number}")
    tables = (counted._made, counted._wrong, counted._right, counted._turned_away)
    assert [len(table) for table in tables] == [30, 30, 30, 30]
    with pytest.raises(Unauthenticated):
        counted.admit(next(iter(counted._wrong)), "192.0.2.1", ours=False)
