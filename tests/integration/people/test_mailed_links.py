"""Links that are mailed: passwords chosen anew and addresses changed, without telling anybody who has an account."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from chalicelib.bootstrap import Posthorn
from chalicelib.config import Settings
from chalicelib.domain.errors import InvalidRequest, NotFound, TemporaryFailure, Unauthenticated
from chalicelib.domain.people.oidc_provider import OidcProvider
from chalicelib.domain.people.users import USERS, User, user_place
from chalicelib.domain.rates import RESET
from chalicelib.domain.tenancy.audit import AUDIT_ENTRIES, of_chain
from chalicelib.ports.repository import Repository
from chalicelib.services.messages.history import MessageHistory
from chalicelib.services.people.email_changes import EmailChanges
from chalicelib.services.people.oidc_providers import OidcProviders
from chalicelib.services.people.password_resets import ANSWER_SECONDS, PasswordResets
from chalicelib.services.people.sign_in import SignIn
from chalicelib.services.people.users import Users
from chalicelib.services.rates import RateExceeded
from chalicelib.services.tenancy.signed_in import FindSignedIn
from tests.people import HERE, PASSWORD, a_person, signed_in
from tests.stores import all_messages
from tests.worlds import Scene, make_scene

SETTINGS = Settings(
    system_server="acme/app", system_from="posthorn@acme.test", web_url="http://127.0.0.1:8000"
)
NEW = "another good password"
DAY = 86_400


@pytest.fixture
async def scene() -> Scene:
    return await make_scene(SETTINGS)


async def mailed(scene: Scene) -> list[tuple[str, str]]:
    """To whom what was mailed, the oldest first."""
    found, history = [], scene.posthorn[MessageHistory]
    for message in sorted(all_messages(scene.posthorn), key=lambda one: one.id):
        content = await history.content(await history.record(scene.server.id, message.id))
        assert content is not None
        found.append((message.rcpt_to, content.decode()))
    return found


async def link(scene: Scene, kind: str) -> str:
    """The token of the newest link of a kind."""
    to, text = (await mailed(scene))[-1]
    found = re.search(rf"http://localhost:8000/login/{kind}/(\w+)\r\n", text)
    assert found is not None, (to, text)
    return found[1]


async def test_a_password_is_chosen_by_the_link_and_ends_all_sessions(scene: Scene) -> None:
    program = scene.posthorn
    user = await a_person(program)
    before = await signed_in(program, user)
    await program[PasswordResets].ask(f" {user.email.upper()} ")
    token = await link(scene, "reset")
    with pytest.raises(InvalidRequest, match="10 to 200"):
        await program[PasswordResets].use(token, "short", HERE)
    await program[PasswordResets].use(token, NEW, HERE)
    await program[SignIn].open(user.email, NEW, HERE)
    with pytest.raises(Unauthenticated):
        await program[SignIn].open(user.email, PASSWORD, HERE)
    with pytest.raises(Unauthenticated):
        await program[FindSignedIn].by_token(before, HERE.address)
    with pytest.raises(NotFound):
        await program[PasswordResets].use(token, NEW, HERE)
    entries = await program[Repository].all(AUDIT_ENTRIES, of_chain(None))
    (entry,) = [one for one in entries if one.action == "user.update"]
    assert (entry.actor_id, entry.address) == (user.id, HERE.address)
    assert (entry.before, entry.after) == ('{"password":"***"}', '{"password":"***"}')


async def test_a_link_works_for_a_day_and_ends_with_another_proof(scene: Scene) -> None:
    program = scene.posthorn
    user = await a_person(program)
    await program[PasswordResets].ask(user.email)
    token = await link(scene, "reset")
    scene.clock.advance(DAY)
    with pytest.raises(NotFound):
        await program[PasswordResets].use(token, NEW, HERE)
    await program[PasswordResets].ask(user.email)
    await program[PasswordResets].ask(user.email)
    token = await link(scene, "reset")
    await program[Users].change(user.id, email="other@people.test")
    with pytest.raises(NotFound):
        await program[PasswordResets].use(token, NEW, HERE)


async def test_answers_tell_nobody_who_has_an_account(scene: Scene) -> None:
    program = scene.posthorn
    known = await a_person(program)
    by_provider = await a_person(program, oidc_issuer="https://id.test", oidc_subject="1")
    seconds, left = set(), set()
    for email in (known.email, by_provider.email, "nobody@people.test", "no address \0"):
        began = scene.clock.monotonic()
        left.add((await program[PasswordResets].ask(email)).left)
        seconds.add(scene.clock.monotonic() - began)
    assert left == {RESET.quota - 1}
    assert seconds == {ANSWER_SECONDS}
    assert [to for to, _ in await mailed(scene)] == [known.email]


async def test_an_address_is_written_to_five_times_an_hour_whoever_has_it(scene: Scene) -> None:
    user = await a_person(scene.posthorn)
    for email in (user.email, "nobody@people.test"):
        for _ in range(RESET.quota):
            await scene.posthorn[PasswordResets].ask(email)
        with pytest.raises(RateExceeded):
            await scene.posthorn[PasswordResets].ask(email.upper())
    assert len(await mailed(scene)) == RESET.quota


async def test_where_no_mail_is_sent_everybody_is_told_so(scene: Scene) -> None:
    bare = await make_scene()
    user = await a_person(bare.posthorn)
    for email in (user.email, "nobody@people.test"):
        with pytest.raises(TemporaryFailure, match="no system mail"):
            await bare.posthorn[PasswordResets].ask(email)
    with pytest.raises(TemporaryFailure, match="no system mail"):
        await bare.posthorn[EmailChanges].request(user, "new@people.test")


async def test_no_link_goes_out_where_passwords_let_nobody_in(scene: Scene) -> None:
    program = scene.posthorn
    user = await a_person(program)
    provider = OidcProvider("Acme", "https://id.test", "posthorn", local_sign_in=False)
    await program[OidcProviders].write(provider)
    await program[PasswordResets].ask(user.email)
    assert await mailed(scene) == []
    await program[OidcProviders].write(replace(provider, local_sign_in=True))
    await program[PasswordResets].ask(user.email)
    token = await link(scene, "reset")

    def joined(one: User) -> User:
        return replace(one, oidc_issuer="https://id.test", oidc_subject="1")

    await program[Repository].modify(USERS, user_place(user.id), joined)
    with pytest.raises(NotFound):
        await program[PasswordResets].use(token, NEW, HERE)


async def test_an_address_is_changed_by_the_link_that_it_gets(scene: Scene) -> None:
    program = scene.posthorn
    user = await a_person(program)
    before = await signed_in(program, user)
    await program[EmailChanges].request(user, "New@People.test")
    assert [to for to, _ in await mailed(scene)] == ["new@people.test"]
    token = await link(scene, "email")
    assert (await program[Users].get(user.id)).email == user.email
    await program[EmailChanges].use(token, HERE)
    assert (await program[Users].get(user.id)).email == "new@people.test"
    with pytest.raises(Unauthenticated):
        await program[FindSignedIn].by_token(before, HERE.address)
    to, text = (await mailed(scene))[-1]
    assert to == user.email
    assert "new@people.test" in text
    with pytest.raises(NotFound):
        await program[EmailChanges].use(token, HERE)


async def test_whose_address_it_is_already_is_told_and_nobody_else(scene: Scene) -> None:
    program = scene.posthorn
    user, other = await a_person(program), await a_person(program)
    quota = await program[EmailChanges].request(user, other.email)
    free = await program[EmailChanges].request(user, "free@people.test")
    assert quota is not None
    assert free is not None
    assert quota.left == free.left
    first, second = await mailed(scene)
    assert (first[0], second[0]) == (other.email, "free@people.test")
    assert "http" not in first[1].partition("\r\n\r\n")[2]
    assert await program[EmailChanges].request(user, user.email) is None


async def test_an_address_that_was_taken_meanwhile_stays_whose_it_is(scene: Scene) -> None:
    program = scene.posthorn
    user = await a_person(program)
    await program[EmailChanges].request(user, "wanted@people.test")
    token = await link(scene, "email")
    await a_person(program, email="wanted@people.test")
    with pytest.raises(NotFound):
        await program[EmailChanges].use(token, HERE)
    assert (await program[Users].get(user.id)).email == user.email


@pytest.mark.parametrize("token", ["", "x", "é" * 32, "\x00", "A" * 100_000])
async def test_no_other_token_is_a_link(token: str) -> None:
    program: Posthorn = (await make_scene(SETTINGS)).posthorn
    for using in (
        program[PasswordResets].use(token, NEW, HERE),
        program[EmailChanges].use(token, HERE),
    ):
        with pytest.raises(NotFound):
            await using
