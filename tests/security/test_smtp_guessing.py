"""Guessing keys is slow from one address, by whatever mechanism, and keeps nobody out who has a good one (A22)."""

from __future__ import annotations

import asyncio
import hmac
from base64 import b64decode
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from chalicelib.domain.errors import Unauthenticated
from chalicelib.domain.tenancy.credentials import CredentialKind
from chalicelib.services.tenancy.credentials import CredentialOptions, Credentials
from gateway.configuration import Role
from tests.gateway_scene import (
    Client,
    RunningGateway,
    Said,
    encoded,
    plain,
    running_gateway,
)
from tests.patience import PATIENCE

Guess = Callable[[Client, str], Coroutine[Any, Any, Said]]
USER = "acme/app"


async def by_plain(client: Client, key: str) -> Said:
    return await client.say("AUTH PLAIN " + plain(key))


async def by_login(client: Client, key: str) -> Said:
    await client.say("AUTH LOGIN " + encoded("anybody"))
    return await client.say(encoded(key))


async def by_cram(client: Client, key: str) -> Said:
    challenge = b64decode((await client.say("AUTH CRAM-MD5")).text)
    digest = hmac.new(key.encode(), challenge, "md5").hexdigest()
    return await client.say(encoded(f"{USER} {digest}"))


class Judge:
    """Counts what the service is asked to judge, in order."""

    def __init__(self, gateway: RunningGateway) -> None:
        self.judged: list[str] = []
        service = gateway.site.services.authenticate
        by_key, by_cram = service.by_key, service.by_cram

        async def key(key: str, kinds: frozenset[CredentialKind], address: str) -> Any:
            self.judged.append(key)
            return await by_key(key, kinds, address)

        async def cram(username: str, challenge: bytes, digest: str, address: str) -> Any:
            self.judged.append(username)
            return await by_cram(username, challenge, digest, address)

        service.by_key, service.by_cram = key, cram  # type: ignore[method-assign]  # watched


async def opened(gateway: RunningGateway) -> Client:
    client = await gateway.connect()
    await client.say("EHLO me.test")
    return client


async def use_up(gateway: RunningGateway, guess: Guess, failures: int) -> None:
    """Fail so many times in sessions of one guess each, as if nothing were kept between them."""
    for _ in range(failures):
        client = await opened(gateway)
        assert (await guess(client, "wrong")).code == 535
        client.close()


MECHANISMS = pytest.mark.parametrize("guess", [by_plain, by_login, by_cram])


async def cram_key(gateway: RunningGateway) -> str:
    options = CredentialOptions(cram=True)
    credentials, server = gateway.scene.posthorn[Credentials], gateway.scene.server
    return (await credentials.create(server, CredentialKind.SMTP, "cram", options))[1]


@MECHANISMS
async def test_sessions_of_one_guess_are_counted_together(guess: Guess) -> None:
    async with running_gateway(max_address_failures=5, guesses_per_second=0) as gateway:
        await use_up(gateway, guess, 6 if guess is by_cram else 5)  # CRAM-MD5 has one for nothing
        said = await guess(await opened(gateway), "wrong")
        assert str(said) == "454 4.7.0 Too many authentication failures, try again later"
        assert len(gateway.events("auth_refused")) == 1
        gateway.scene.clock.advance(601)
        assert (await guess(await opened(gateway), "wrong")).code == 535


@MECHANISMS
async def test_unknown_keys_are_judged_so_many_in_a_second(guess: Guess) -> None:
    async with running_gateway(
        max_address_failures=3, max_auth_failures=100, guesses_per_second=10
    ) as gateway:
        await use_up(gateway, guess, 4)
        judge, loop = Judge(gateway), asyncio.get_running_loop()
        clients = [await opened(gateway) for _ in range(10)]
        begin = loop.time()
        for _ in range(2):
            said = await asyncio.gather(*(guess(client, "wrong") for client in clients))
            assert {each.code for each in said} == {535}
        assert len(judge.judged) == 20
        assert loop.time() - begin >= 19 / 10


@MECHANISMS
async def test_a_key_that_came_in_before_comes_in_at_once(guess: Guess) -> None:
    async with running_gateway(max_address_failures=3, guesses_per_second=0.001) as gateway:
        key = await cram_key(gateway)
        assert (await guess(await opened(gateway), key)).code == 235
        await use_up(gateway, by_plain, 3)
        first = await opened(gateway)
        assert (
            await by_plain(first, "wrong")
        ).code == 535  # the first turn; the next is in 1,000 s
        waiting = [await opened(gateway) for _ in range(10)]
        guesses = [asyncio.ensure_future(by_login(client, "wrong")) for client in waiting]
        assert (await guess(await opened(gateway), key)).code == 235
        assert not any(each.done() for each in guesses)
        for each in guesses:
            each.cancel()


async def test_a_new_key_waits_only_behind_those_that_wait_already() -> None:
    async with running_gateway(
        max_address_failures=3, max_auth_failures=1_000, guesses_per_second=20
    ) as gateway:
        await use_up(gateway, by_plain, 3)
        judge = Judge(gateway)
        flooding = [await opened(gateway) for _ in range(20)]

        async def flood(client: Client) -> None:
            while True:
                await by_plain(client, "wrong")

        floods = [asyncio.ensure_future(flood(client)) for client in flooding]
        async with asyncio.timeout(PATIENCE):
            while len(judge.judged) < 2:
                await asyncio.sleep(0.01)
        late = await opened(gateway)
        before = len(judge.judged)
        assert (await by_plain(late, gateway.key)).code == 235
        assert judge.judged.index(gateway.key) - before <= len(flooding) + 1
        for each in floods:
            each.cancel()


async def test_who_hangs_up_leaves_the_line() -> None:
    async with running_gateway(max_address_failures=3, guesses_per_second=4) as gateway:
        await use_up(gateway, by_plain, 3)
        judge = Judge(gateway)
        gone = [await gateway.connect(Role.SUBMISSIONS) for _ in range(30)]
        for client in gone:
            await client.say("EHLO me.test")
            await client.send(b"AUTH PLAIN " + plain("gone").encode() + b"\r\n")
        for client in gone:
            client.writer.transport.abort()
        await gateway.settled()
        assert (await by_plain(await opened(gateway), gateway.key)).code == 235
        assert len(judge.judged) < 20


async def test_a_key_that_is_revoked_is_unknown_again() -> None:
    async with running_gateway(max_address_failures=3, guesses_per_second=0) as gateway:
        assert (await by_plain(await opened(gateway), gateway.key)).code == 235
        await use_up(gateway, by_plain, 3)

        async def revoked(*_: object) -> Any:
            raise Unauthenticated("Invalid credential")

        gateway.site.services.authenticate.by_key = revoked  # type: ignore[method-assign]  # as if
        assert (await by_plain(await opened(gateway), gateway.key)).code == 535
        assert (await by_plain(await opened(gateway), gateway.key)).code == 454
        assert gateway.key not in gateway.log_text
