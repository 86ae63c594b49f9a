"""Answers of a provider that are not for us, not by it or not for this browser let nobody in."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest

from chalicelib.bootstrap import Posthorn, in_memory
from chalicelib.config import Settings
from chalicelib.domain.errors import InvalidRequest, NotFound, Refused, TemporaryFailure
from chalicelib.domain.http_exchange import HttpAnswer, NoAnswer
from chalicelib.ports.clock import Clock
from chalicelib.ports.http_client import HttpClient
from chalicelib.services.people.oidc import FLOW_SECONDS, Begun, Oidc
from chalicelib.services.people.oidc_client import KEPT_SECONDS
from chalicelib.services.people.oidc_providers import OidcProviders
from chalicelib.services.people.oidc_users import NOBODY, OF_ANOTHER
from chalicelib.services.people.users import Users
from chalicelib.services.tenancy.signed_in import FindSignedIn
from tests.people import HERE, a_person, signed_in
from tests.scripted_provider import ISSUER, PROVIDER, Scripted
from tests.signed_tokens import signed_by_secret, unsigned


@pytest.fixture
def provider() -> Scripted:
    return Scripted()


@pytest.fixture
async def program(provider: Scripted) -> Posthorn:
    program = in_memory(Settings(), {HttpClient: provider})
    provider.clock = program[Clock]
    await program[OidcProviders].write(PROVIDER, "open sesame")
    return program


@pytest.fixture(params=["memory", pytest.param("aws", marks=pytest.mark.aws)])
async def either(request: pytest.FixtureRequest, provider: Scripted) -> AsyncIterator[Posthorn]:
    """The same on each engine; of its stores nothing is left for other tests."""
    program = in_memory(Settings(), {HttpClient: provider})
    if request.param == "aws":
        parts = {HttpClient: provider, Clock: program[Clock]}
        program = Posthorn(request.getfixturevalue("aws_settings"), "aws", parts)
    provider.clock = program[Clock]
    await program[OidcProviders].write(PROVIDER, "open sesame")
    yield program
    await program[OidcProviders].write(None)


async def begun(program: Posthorn, provider: Scripted) -> tuple[Begun, dict[str, str]]:
    """A sign-in under way, and the good answer to it."""
    begun = await program[Oidc].begin()
    asked = dict(parse_qsl(urlsplit(begun.url).query))
    provider.nonce = asked["nonce"]
    return begun, {"state": asked["state"], "code": "c0de", "iss": ISSUER}


async def come_in(program: Posthorn, provider: Scripted) -> None:
    sign_in, answer = await begun(program, provider)
    finished = await program[Oidc].finish(sign_in.token, answer, HERE)
    person = await program[FindSignedIn].by_token(finished.token, HERE.address)
    assert person.user.email == "ada@acme.test"


async def stays_out(program: Posthorn, provider: Scripted, match: str = "does not hold") -> None:
    sign_in, answer = await begun(program, provider)
    with pytest.raises(Refused, match=match):
        await program[Oidc].finish(sign_in.token, answer, HERE)
    assert await program[Users].known("ada@acme.test") is None


async def test_the_right_answer_lets_in_and_proves_the_browser(
    program: Posthorn, provider: Scripted
) -> None:
    sign_in, answer = await begun(program, provider)
    await program[Oidc].finish(sign_in.token, answer, HERE)
    (request,) = [one for one in provider.asked if one.url.target == "/token"]
    form = parse_qs(request.body.decode())
    assert form["code"] == ["c0de"]
    assert form["code_verifier"][0] not in sign_in.url
    assert request.may_be_private
    assert "open sesame" not in repr(await program[OidcProviders].read())


async def test_a_way_there_and_back_is_the_same_on_each_engine(
    either: Posthorn, provider: Scripted
) -> None:
    one = secrets.token_hex(6)
    provider.claims = {"sub": one, "email": f"{one}@acme.test"}
    for _ in range(2):
        sign_in, answer = await begun(either, provider)
        finished = await either[Oidc].finish(sign_in.token, answer, HERE)
        person = await either[FindSignedIn].by_token(finished.token, HERE.address)
        assert (person.user.email, person.user.oidc_subject) == (f"{one}@acme.test", one)
        with pytest.raises(Refused, match="does not belong"):
            await either[Oidc].finish(sign_in.token, answer, HERE)
    taken = await a_person(either)
    provider.claims = {"sub": secrets.token_hex(6), "email": taken.email}
    sign_in, answer = await begun(either, provider)
    finished = await either[Oidc].finish(sign_in.token, answer, HERE)
    joined = await either[FindSignedIn].by_token(finished.token, HERE.address)
    assert (joined.user.id, joined.user.password) == (taken.id, "")


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "somebody else"},
        {"aud": ["posthorn", "somebody else"]},
        {"iss": "https://evil.test"},
        {"nonce": "another"},
        {"nonce": None},
        {"exp": 1_000},
        {"sub": None},
    ],
)
async def test_a_token_that_is_not_for_us(
    program: Posthorn, provider: Scripted, claims: dict[str, Any]
) -> None:
    provider.claims = claims
    await stays_out(program, provider)
    provider.claims = {}
    await come_in(program, provider)


async def test_a_token_that_the_provider_did_not_sign(
    program: Posthorn, provider: Scripted
) -> None:
    for forge in (unsigned, lambda claims: signed_by_secret(claims, b"open sesame", "k0")):
        sign_in, answer = await begun(program, provider)
        provider.token = forge(provider.said())
        with pytest.raises(Refused, match="does not hold"):
            await program[Oidc].finish(sign_in.token, answer, HERE)
    provider.token = None
    provider.key = 1
    await stays_out(program, provider)
    assert (
        provider.count("jwks") == 3
    )  # once for each token that no key fits, the first time for all


async def test_new_keys_are_fetched_once_and_kept(program: Posthorn, provider: Scripted) -> None:
    await come_in(program, provider)
    await come_in(program, provider)
    assert (provider.count("jwks"), provider.count("configuration")) == (1, 1)
    provider.key, provider.listed = 1, [1]
    await come_in(program, provider)
    await come_in(program, provider)
    assert provider.count("jwks") == 2
    provider.key = 0  # the old key is no key any more
    sign_in, answer = await begun(program, provider)
    with pytest.raises(Refused, match="does not hold"):
        await program[Oidc].finish(sign_in.token, answer, HERE)
    provider.key = 1
    program[Clock].advance(KEPT_SECONDS)  # type: ignore[attr-defined]
    await come_in(program, provider)
    assert provider.count("configuration") == 2


async def test_an_answer_of_another_issuer_browser_or_time(
    program: Posthorn, provider: Scripted
) -> None:
    sign_in, answer = await begun(program, provider)
    for wrong in ({"state": "x"}, {"state": ""}, {"state": "é\ud800"}):
        with pytest.raises(Refused, match="does not belong"):
            await program[Oidc].finish(sign_in.token, answer | wrong, HERE)
    with pytest.raises(Refused, match="does not belong"):
        await program[Oidc].finish(sign_in.token, {}, HERE)
    with pytest.raises(Refused, match="does not hold"):
        await program[Oidc].finish(sign_in.token, answer | {"iss": "https://evil.test"}, HERE)
    sign_in, answer = await begun(program, provider)
    program[Clock].advance(FLOW_SECONDS)  # type: ignore[attr-defined]
    with pytest.raises(Refused, match="does not belong"):
        await program[Oidc].finish(sign_in.token, answer, HERE)


async def test_what_the_provider_says_in_words_is_not_repeated(
    program: Posthorn, provider: Scripted
) -> None:
    sign_in, answer = await begun(program, provider)
    del answer["code"]
    with pytest.raises(Refused, match=r"did not say who you are: access_denied$"):
        await program[Oidc].finish(sign_in.token, answer | {"error": "access_denied"}, HERE)
    sign_in, answer = await begun(program, provider)
    evil = answer | {"code": "", "error": "<script>", "error_description": "<script>"}
    with pytest.raises(Refused, match=r"did not say who you are$"):
        await program[Oidc].finish(sign_in.token, evil, HERE)


@pytest.mark.parametrize(
    "answer",
    [
        HttpAnswer(NoAnswer.NOT_CONNECTED, error="refused"),
        HttpAnswer(500, body=b"<html>"),
        HttpAnswer(302, (("location", "https://evil.test"),)),
        HttpAnswer(200, body=b""),
        HttpAnswer(200, body=b"[]"),
        HttpAnswer(200, body=b"[" * 60_000),
        HttpAnswer(200, body=b"\xff\xfe"),
    ],
)
@pytest.mark.parametrize("what", ["openid-configuration", "jwks", "token"])
async def test_a_provider_in_trouble_is_a_temporary_failure(
    program: Posthorn, provider: Scripted, what: str, answer: HttpAnswer
) -> None:
    provider.answers = {what: answer}
    with pytest.raises(TemporaryFailure, match="sign-in provider"):
        await come_in(program, provider)
    provider.answers = {}
    await come_in(program, provider)


@pytest.mark.parametrize(
    "described",
    [
        {"issuer": "https://evil.test"},
        {"token_endpoint": "http://127.0.0.1/token"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"jwks_uri": None},
    ],
)
async def test_a_provider_that_describes_another(
    program: Posthorn, provider: Scripted, described: dict[str, Any]
) -> None:
    provider.described = described
    with pytest.raises(TemporaryFailure, match="describes another"):
        await program[Oidc].begin()


async def test_a_user_of_another_identity_is_not_taken_over(
    program: Posthorn, provider: Scripted
) -> None:
    await come_in(program, provider)
    provider.claims = {"sub": "mallory"}
    sign_in, answer = await begun(program, provider)
    with pytest.raises(Refused, match=OF_ANOTHER):
        await program[Oidc].finish(sign_in.token, answer, HERE)
    provider.claims = {"sub": "ada", "email": "moved@acme.test"}
    await come_in(program, provider)  # known by the identity, whatever the address is now


@pytest.mark.parametrize(
    "address",
    [
        "mi\u212ae@acme.test",  # the Kelvin sign is a k in lower case
        "\uff4dike@acme.test",
        "mike+x@acme.test",
        "mike@acme.test.evil.test",
        "Mike <mike@acme.test>",
        "mike@acme.test,eve@evil.test",
        "mike@acme.test\u202e",
        "mike\x00@acme.test",
        "\u200bmike@acme.test",
    ],
)
async def test_nobody_takes_an_account_over_by_an_address_that_looks_like_it(
    program: Posthorn, provider: Scripted, address: str
) -> None:
    mike = await a_person(program, email="mike@acme.test")
    provider.claims = {"sub": "eve", "email": address}
    sign_in, answer = await begun(program, provider)
    with suppress(Refused, InvalidRequest):
        await program[Oidc].finish(sign_in.token, answer, HERE)
    assert await program[Users].get(mike.id) == mike


@pytest.mark.parametrize("address", ["MIKE@acme.test", " mike@ACME.test "])
async def test_an_address_is_known_however_it_is_written(
    program: Posthorn, provider: Scripted, address: str
) -> None:
    mike = await a_person(program, email="mike@acme.test")
    provider.claims = {"sub": "mike", "email": address}
    sign_in, answer = await begun(program, provider)
    await program[Oidc].finish(sign_in.token, answer, HERE)
    assert (await program[Users].get(mike.id)).oidc_subject == "mike"


async def test_an_invited_address_may_come_in_and_no_other(
    program: Posthorn, provider: Scripted
) -> None:
    await program[OidcProviders].write(replace(PROVIDER, create_domains=()))
    await stays_out(program, provider, NOBODY)
    await program[OidcProviders].write(replace(PROVIDER, create_domains=("me.test",)))
    await stays_out(program, provider, NOBODY)


async def test_a_confirmation_is_of_the_session_that_asked(
    program: Posthorn, provider: Scripted
) -> None:
    user = await a_person(program, oidc_issuer=ISSUER, oidc_subject="ada", password="")
    person, other = [
        await program[FindSignedIn].by_token(await signed_in(program, user), HERE.address)
        for _ in range(2)
    ]
    for who in (None, other):
        sign_in = await program[Oidc].begin("/account", person)
        asked = dict(parse_qsl(urlsplit(sign_in.url).query))
        assert (asked["prompt"], asked["max_age"]) == ("login", "0")
        provider.nonce = asked["nonce"]
        provider.claims = {"auth_time": program[Clock].now()}
        answer = {"state": asked["state"], "code": "c"}
        with pytest.raises(Refused, match="does not belong"):
            await program[Oidc].finish(sign_in.token, answer, HERE, who)
    for auth_time in (None, program[Clock].now() - 3_600):
        provider.claims = {"auth_time": auth_time}
        sign_in = await program[Oidc].begin("/account", person)
        asked = dict(parse_qsl(urlsplit(sign_in.url).query))
        provider.nonce = asked["nonce"]
        with pytest.raises(Refused, match="does not hold"):
            await program[Oidc].finish(
                sign_in.token, {"state": asked["state"], "code": "c"}, HERE, person
            )


async def test_without_a_provider_there_is_nothing(program: Posthorn) -> None:
    await program[OidcProviders].write(None)
    await program[OidcProviders].write(None)
    with pytest.raises(NotFound):
        await program[Oidc].begin()
    assert await program[Users].all() == []


@pytest.mark.parametrize(
    "issuer",
    ["http://id.test", "http://127.0.0.1:1", "https://id.test?x=1", "https://a:b@id.test", "x", ""],
)
async def test_an_issuer_is_an_https_url(program: Posthorn, issuer: str) -> None:
    with pytest.raises(InvalidRequest, match="https"):
        await program[OidcProviders].write(replace(PROVIDER, issuer=issuer), "s")


async def test_the_secret_stays_with_its_issuer_and_client(program: Posthorn) -> None:
    providers = program[OidcProviders]
    await providers.write(replace(PROVIDER, label="Other", local_sign_in=False))
    known = await providers.read()
    assert known is not None
    assert await providers.secret(known) == "open sesame"
    for moved in ({"issuer": "https://evil.test"}, {"client_id": "other"}):
        with pytest.raises(InvalidRequest, match="give it anew"):
            await providers.write(replace(known, **moved))
    await providers.write(replace(known, issuer="https://new.test"), "")
    known = await providers.read()
    assert known is not None
    assert (known.sealed_client_secret, await providers.secret(known)) == (None, "")
