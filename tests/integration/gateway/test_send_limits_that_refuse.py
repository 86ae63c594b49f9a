"""A send limit that refuses takes its places at RCPT: the first recipient without one is put off, those before stay."""

from __future__ import annotations

import asyncio
from typing import Any

from chalicelib.domain.tenancy.send_limits import LimitAction
from tests.gateway_scene import MAIL, running_gateway
from tests.patience import PATIENCE
from tests.used_limits import usages

LIMITED = {"send_limit": 3, "send_limit_action": LimitAction.REFUSE}


async def used(gateway: Any) -> int:
    (usage,) = await usages(gateway.scene)
    return int(usage.used)


async def becomes(gateway: Any, count: int) -> None:
    """Places are given back while nobody waits for it."""
    async with asyncio.timeout(PATIENCE):
        while await used(gateway) != count:
            await asyncio.sleep(0.01)


async def test_recipients_without_a_place_are_put_off_and_the_others_stand() -> None:
    async with running_gateway() as gateway:
        await gateway.scene.change_server(**LIMITED)
        client = await gateway.connect()
        await client.log_in(gateway.scene.smtp_key)
        await client.envelope("a@example.com", "b@example.com")
        assert (await client.say("RCPT TO:<c@example.com>")).code == 250
        said = await client.say("RCPT TO:<d@example.com>")
        assert (said.code, said.text[:5]) == (451, "4.7.1")
        assert (await client.data()).code == 250
        assert await used(gateway) == 3
        assert (await client.envelope("e@example.com")).code == 451
    await gateway.scene.deliver_ready()
    assert len(gateway.scene.egress.received) == 3
    assert await used(gateway) == 3


async def test_what_is_not_accepted_gives_its_places_back() -> None:
    async with running_gateway() as gateway:
        await gateway.scene.change_server(**LIMITED)
        client = await gateway.connect()
        await client.log_in(gateway.scene.smtp_key)
        await client.envelope("a@example.com", "b@example.com")
        assert await used(gateway) == 2
        await client.say("RSET")
        await becomes(gateway, 0)
        await client.envelope("a@example.com")
        assert (await client.data(b"From: app@other.test\r\n\r\nHi\r\n")).code == 530
        await becomes(gateway, 0)
        # One who is named twice is one message.
        await client.envelope("a@example.com", "a@EXAMPLE.com")
        assert (await client.data(MAIL)).code == 250
        await becomes(gateway, 1)
        await client.envelope("b@example.com")
        client.writer.close()
        await becomes(gateway, 1)
