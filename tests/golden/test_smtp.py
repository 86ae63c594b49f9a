"""Each recorded SMTP dialogue, line by line over a real connection: the class of every reply, and AUTH to the word.

Played where AUTH is allowed without TLS, as Postal allows it, so that all that comes after it can be compared; that we
want TLS first is a test of its own.
"""

from __future__ import annotations

import base64
import hmac
import re
from dataclasses import dataclass
from typing import Any

import pytest

from chalicelib import bootstrap
from chalicelib.services.tenancy.servers import Servers
from tests.gateway_scene import Client, Said, running_gateway, trusting_context
from tests.golden.comparison import Difference, Table, differences
from tests.golden.recordings import WITH_INCOMING_MAIL, Exchange, dialogues
from tests.golden.rows import SMTP
from tests.golden.world import SMTP_KEY, golden_scene

OVER_HTTP = "suspended server, API"
LATER = WITH_INCOMING_MAIL["smtp.json"]
PLAYED = [name for name in dialogues() if name not in LATER and name != OVER_HTTP]
_ENHANCED = re.compile(r"\d\.\d{1,3}\.\d{1,3} ")


@dataclass
class Replay:
    """A client that says what was said at the recording."""

    client: Client
    name: str
    challenge: str = ""

    async def say(self, exchange: Exchange) -> Said:
        """Our answer to what the client said."""
        line = exchange.client
        if not line:
            return await self.client.reply()
        if line.startswith("BDAT "):
            await self.client.send(f"{line}\r\n{'x' * int(line[5:])}".encode())
            return await self.client.reply()
        if self.name == "a bare LF command" and line == "NOOP":
            await self.client.send(b"NOOP\n")
            return await self.client.reply()
        if self.challenge and self.name.startswith("auth cram-md5"):
            line = self.proof()
        said = await self.client.say(line)
        if line == "STARTTLS" and said.code == 220:
            await self.client.writer.start_tls(trusting_context())
        self.challenge = said.text if said.code == 334 else ""
        return said

    def proof(self) -> str:
        """The answer to our challenge; to have it wrong, under another key."""
        key = SMTP_KEY if self.name == "auth cram-md5" else "wrong"
        digest = hmac.new(key.encode(), base64.b64decode(self.challenge), "md5").hexdigest()
        return base64.b64encode(f"acme/golden {digest}".encode()).decode()


def recorded(exchange: Exchange) -> Said:
    """What Postal answered."""
    lines = tuple(line[4:] for line in exchange.server)
    return Said(int(exchange.server[0][:3]), lines)


def shown(said: Said, *, exact: bool) -> dict[str, str]:
    """What is compared of a reply: its class, what AUTH it offers, and in AUTH its code and its words."""
    offered = [line for line in said.lines if line.startswith("AUTH ")]
    auth = {"auth": offered[0]} if offered else {}
    if not exact:
        return {"class": f"{said.code // 100}xx", **auth}
    text = _ENHANCED.sub("", said.text)
    if said.code == 334 and b"@" in (challenge := base64.b64decode(text)):
        text = re.sub("[0-9a-f]{20}", "{random}", challenge.decode())
    return {"code": str(said.code), "text": text.strip()}


async def said_by_both(name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What Postal and we answered in a dialogue, by what the client said."""
    scene = await golden_scene()
    if name == "suspended server":
        await scene.posthorn[Servers].suspend(scene.server, "spam")
    theirs, ours = {}, {}
    async with running_gateway(scene=scene) as running:
        replay = Replay(await running.connect(greet=False), name)
        in_auth = False
        for number, exchange in enumerate(dialogues()[name]):
            step = f"{number} {exchange.client[:40]}"
            exact = in_auth or exchange.client.startswith("AUTH")
            theirs[step] = shown(recorded(exchange), exact=exact)
            ours[step] = shown(await replay.say(exchange), exact=exact)
            in_auth = recorded(exchange).code == 334
    return theirs, ours


@pytest.fixture(scope="module")
def found() -> dict[str, list[Difference]]:
    """Every difference, by dialogue."""
    return {name: list(differences(*bootstrap.run(said_by_both(name)))) for name in PLAYED}


@pytest.mark.parametrize("name", PLAYED)
def test_a_dialogue_goes_as_with_postal(name: str, found: dict[str, list[Difference]]) -> None:
    assert Table(SMTP).unexplained(name, found[name]) == []


def test_every_row_is_needed(found: dict[str, list[Difference]]) -> None:
    table = Table(SMTP)
    for name, differing in found.items():
        table.unexplained(name, differing)
    assert table.needless == []


@pytest.mark.parametrize("name", [name for name in PLAYED if name.startswith("auth ")])
async def test_a_key_is_not_taken_before_tls(name: str) -> None:
    async with running_gateway(scene=await golden_scene(), allow_plain_auth=False) as running:
        client = await running.connect()
        ehlo = await client.say("EHLO c.example")
        assert not any(line.startswith("AUTH") for line in ehlo.lines)
        (asked,) = [each for each in dialogues()[name] if each.client.startswith("AUTH ")]
        assert (await client.say(asked.client)).code == 530
        await client.start_tls()
        assert "AUTH PLAIN LOGIN" in (await client.say("EHLO c.example")).lines
        answer = await client.say(asked.client)
        assert answer.code // 100 == recorded(asked).code // 100
