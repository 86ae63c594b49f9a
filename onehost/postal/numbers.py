"""The numbers of messages and deliveries: they go on above the highest that Postal gave."""

from __future__ import annotations

from chalicelib.bootstrap import Posthorn
from chalicelib.domain.numbering import ServerId
from chalicelib.ports.numbers import Numbers

AT_ONCE = 100_000
LEAST_ROOM = 10_000
HIGHEST = 2**31 - 1
TABLES = {"messages": "message", "deliveries": "delivery"}


async def go_on_above(program: Posthorn, server: ServerId, kind: str, highest: int) -> None:
    """Give no number again that Postal gave, nor one that it may give until the switch: a tenth is left free."""
    if highest < 1:
        return
    wanted = min(HIGHEST - LEAST_ROOM, highest + max(LEAST_ROOM, highest // 10))
    (last,) = await program[Numbers].take(server, kind, 1)
    if last > highest:
        return
    while last < wanted:
        last = (await program[Numbers].take(server, kind, min(AT_ONCE, wanted - last)))[-1]
