"""Commands that would tell which addresses there are, or that nobody knows: 502, as contract section 3.2 has it."""

from __future__ import annotations

import pytest

from tests.gateway_scene import running_gateway


@pytest.mark.parametrize(
    "line",
    [
        b"VRFY app@acme.test",
        b"vrfy nobody@acme.test",
        b"VRFY",
        b"EXPN staff",
        b"EXPN",
        b"TURN",
        b"XCLIENT ADDR=192.0.2.1",
    ],
    ids=repr,
)
async def test_the_reply_is_the_same_whatever_is_asked(line: bytes) -> None:
    async with running_gateway() as gateway:
        client = await gateway.connect()
        assert str(await client.say(line)) == "502 5.5.1 Invalid/unsupported command"
        await client.log_in(gateway.key)
        assert str(await client.say(line)) == "502 5.5.1 Invalid/unsupported command"
        assert (await client.submit()).code == 250


async def test_help_offers_what_is_done() -> None:
    async with running_gateway() as gateway:
        client = await gateway.connect()
        said = await client.say("HELP")
        assert said.code == 214
        assert "MAIL RCPT DATA" in str(said)
        assert "VRFY" not in str(said)
