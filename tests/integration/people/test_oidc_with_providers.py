"""Signing in by providers of foreign make: who is let in, who is not, keys that change, and confirmation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from chalicelib.adapters.system.clock import SystemClock
from chalicelib.bootstrap import Posthorn, in_memory
from chalicelib.config import Settings
from chalicelib.domain.errors import Refused, Unauthenticated
from chalicelib.domain.people.oidc_provider import OidcProvider
from chalicelib.domain.people.sessions import SESSIONS
from chalicelib.domain.people.signed_in import SignedIn
from chalicelib.domain.people.users import USERS, User, user_place
from chalicelib.ports.clock import Clock
from chalicelib.ports.repository import Repository
from chalicelib.services.people.oidc import CALLBACK, Oidc
from chalicelib.services.people.oidc_providers import OidcProviders
from chalicelib.services.people.oidc_users import NOBODY, NOT_VERIFIED
from chalicelib.services.tenancy.signed_in import FindSignedIn
from tests.openid_providers import (
    CLIENT_ID,
    CLIENT_SECRET,
    Glewlwyd,
    NodeProvider,
    Visitor,
    needs_glewlwyd,
    needs_node_provider,
    running_glewlwyd,
    running_node_provider,
)
from tests.people import HERE, a_person, signed_in

FRONT = "http://localhost:8000"
BACK = FRONT + CALLBACK
SETTINGS = Settings(web_url="http://127.0.0.1:8000", allow_private_destinations=True)
Provider = NodeProvider | Glewlwyd

pytestmark = pytest.mark.clients


@pytest.fixture(
    params=[
        pytest.param(running_node_provider, marks=needs_node_provider, id="oidc-provider"),
        pytest.param(running_glewlwyd, marks=needs_glewlwyd, id="glewlwyd"),
    ]
)
def provider(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Provider]:
    starts: Callable[[str, Path], Provider] = request.param
    with starts(BACK, tmp_path) as running:  # type: ignore[attr-defined]
        yield running


@pytest.fixture
def program() -> Posthorn:
    # The time is that of the providers, which is nobody's to move.
    return in_memory(SETTINGS, {Clock: SystemClock(SETTINGS)})


async def used(program: Posthorn, provider: Provider, **more: object) -> None:
    known = OidcProvider("Acme", provider.issuer, CLIENT_ID)
    await program[OidcProviders].write(replace(known, **more), CLIENT_SECRET)


def login_of(provider: Provider, name: str) -> str:
    """What somebody types there."""
    if isinstance(provider, Glewlwyd):
        return name
    return f"{'unverified.' if name == 'eve' else ''}{name}@acme.test"


async def let_in(program: Posthorn, provider: Provider, name: str, path: str = "/") -> SignedIn:
    """Who is let in when somebody signs in there, and that they go on at the path."""
    begun = await program[Oidc].begin(path)
    answer = provider.sign_in(begun.url, login_of(provider, name))
    finished = await program[Oidc].finish(begun.token, answer, HERE)
    assert finished.path == path
    return await program[FindSignedIn].by_token(finished.token, HERE.address)


async def test_a_user_is_made_for_an_allowed_domain_and_known_again(
    program: Posthorn, provider: Provider
) -> None:
    await used(program, provider, create_domains=("acme.test",))
    first = await let_in(program, provider, "ada", "/acme/mail?x=1")
    assert first.user.email == "ada@acme.test"
    assert first.user.oidc_issuer == provider.issuer
    assert first.session.by_provider
    assert first.session.had_second_factor
    again = await let_in(program, provider, "ada")
    assert again.user.id == first.user.id
    assert again.session.id != first.session.id


async def test_a_user_with_a_password_is_joined_and_loses_it(
    program: Posthorn, provider: Provider
) -> None:
    await used(program, provider)
    user = await a_person(program, email="ada@acme.test")
    before = await signed_in(program, user)
    found = await let_in(program, provider, "ada")
    assert found.user.id == user.id
    assert found.user.password == ""
    with pytest.raises(Unauthenticated):
        await program[FindSignedIn].by_token(before, HERE.address)


async def test_nobody_is_made_for_other_domains_nor_by_an_unverified_address(
    program: Posthorn, provider: Provider
) -> None:
    await used(program, provider, create_domains=("other.test",))
    with pytest.raises(Refused, match=NOBODY):
        await let_in(program, provider, "ada")
    await used(program, provider, create_domains=("acme.test",))
    with pytest.raises(Refused, match=NOT_VERIFIED):
        await let_in(program, provider, "eve")
    user = await a_person(program, email="eve@acme.test")
    with pytest.raises(Refused, match=NOT_VERIFIED):
        await let_in(program, provider, "eve")
    kept = await program[Repository].get(USERS, user_place(user.id))
    assert kept.password == user.password


async def test_keys_may_change_at_any_time(program: Posthorn, provider: Provider) -> None:
    await used(program, provider, create_domains=("acme.test",))
    first = await let_in(program, provider, "ada")
    provider.rotate()
    assert (await let_in(program, provider, "ada")).user.id == first.user.id


async def test_an_answer_works_once_and_for_its_browser_alone(
    program: Posthorn, provider: Provider
) -> None:
    await used(program, provider, create_domains=("acme.test",))
    begun, other = await program[Oidc].begin(), await program[Oidc].begin()
    answer = provider.sign_in(begun.url, login_of(provider, "ada"))
    for token in ("", other.token, "x" * 500):
        with pytest.raises(Refused, match="does not belong"):
            await program[Oidc].finish(token, answer, HERE)
    assert (await program[Oidc].finish(begun.token, answer, HERE)).token
    with pytest.raises(Refused, match="does not belong"):
        await program[Oidc].finish(begun.token, answer, HERE)


@needs_node_provider
async def test_who_is_signed_in_confirms_there(program: Posthorn, tmp_path: Path) -> None:
    with running_node_provider(BACK, tmp_path) as provider:
        await used(program, provider, create_domains=("acme.test",))
        visitor = Visitor()
        begun = await program[Oidc].begin()
        answer = provider.sign_in(begun.url, "ada@acme.test", visitor)
        token = (await program[Oidc].finish(begun.token, answer, HERE)).token
        person = await program[FindSignedIn].by_token(token, HERE.address)
        older = replace(person.session, confirmed_at=person.session.confirmed_at - 3_600)
        await program[Repository].replace(SESSIONS, older)

        begun = await program[Oidc].begin("/account", person)
        answer = provider.sign_in(begun.url, "eve@acme.test")
        with pytest.raises(Refused, match="somebody else"):
            await program[Oidc].finish(begun.token, answer, HERE, person)

        begun = await program[Oidc].begin("/account", person)
        answer = provider.sign_in(begun.url, "ada@acme.test", visitor)
        finished = await program[Oidc].finish(begun.token, answer, HERE, person)
        assert (finished.path, finished.token) == ("/account", "")
        confirmed = await program[FindSignedIn].by_token(token, HERE.address)
        assert confirmed.session.confirmed_at > older.confirmed_at


@needs_node_provider
async def test_a_token_may_hold_the_address_itself(program: Posthorn, tmp_path: Path) -> None:
    with running_node_provider(BACK, tmp_path, claims_in_user_info=False) as provider:
        await used(program, provider, create_domains=("acme.test",))
        user: User = (await let_in(program, provider, "ada")).user
        assert (user.email, user.name) == ("ada@acme.test", "Ada Lovelace")
