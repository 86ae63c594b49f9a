"""An import that is killed twice goes on where it was: each message once, with its bytes, its log and its links."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bench.postal import MOST_MEBIBYTES, bring
from chalicelib.bootstrap import Posthorn
from chalicelib.config import Settings
from chalicelib.domain.errors import NotFound
from chalicelib.domain.model import MessageRecord, Scope, State
from chalicelib.domain.numbering import ServerId
from chalicelib.ports.blobs import BlobStore
from chalicelib.ports.clock import Clock
from chalicelib.ports.engagement import Engagement
from chalicelib.ports.imported_tokens import ImportedTokens
from chalicelib.ports.messages import MessageStore
from chalicelib.services.tenancy.servers import Servers
from tests.large_postal import FIRST, fill_large
from tests.mariadb import MariaDb, Tables

pytestmark = pytest.mark.slow
SERVERS, MESSAGES = 3, 1_800


def test_nothing_is_missing_and_nothing_twice(
    mariadb: MariaDb, recorded: dict[str, Tables], tmp_path: Path
) -> None:
    postal = fill_large(mariadb, recorded, SERVERS, MESSAGES)
    runs = bring(postal, tmp_path, (300, 1_000))
    assert [one.ended for one in runs][-1]
    assert not all(one.ended for one in runs)
    assert max(one.mebibytes for one in runs) < MOST_MEBIBYTES
    program = Posthorn(Settings(state_folder=str(tmp_path / "state")), "sqlite")
    for number in range(FIRST, FIRST + SERVERS):
        asyncio.run(check(program, number))


async def check(program: Posthorn, number: int) -> None:
    server = (await program[Servers].get("acme", f"s{number}")).id
    records = await every(program, server)
    share = MESSAGES // SERVERS
    assert [one.message.id for one in records] == list(range(share, 0, -1))
    for one in records:
        message = one.message
        assert message.token == f"T{number:05d}{message.id:010d}"
        assert [each.id for each in one.deliveries] == [message.id]
        body = await program[BlobStore].get(message.blob)
        assert body.startswith(f"From: hello@d{number}.example\r\nTo: r{message.id}@".encode())
        assert body.endswith(f"x{message.id}\r\n".encode())
        assert (one.state is State.HELD) == (message.id % 100 == 0)
        assert (one.links, one.clicked_at is not None) == (
            (2, True) if message.id % 10 == 1 else (None, False)
        )
    now = program[Clock].now()
    for link in (1, 2):
        token = f"L{number:05d}{2 * (share // 20) + link:010d}"
        known = await program[ImportedTokens].get(server, token, now)
        assert known.link == link
        url = await program[Engagement].link(server, known.message, link)
        assert url.endswith(f".example/{2 * (share // 20) + link}")
        assert len(await program[Engagement].hits(server, known.message)) == 1
    with pytest.raises(NotFound):
        await program[ImportedTokens].get(server, f"L{number:05d}{share:010d}", now)


async def every(program: Posthorn, server: ServerId) -> list[MessageRecord]:
    found: list[MessageRecord] = []
    cursor: str | None = None
    while True:
        page = await program[MessageStore].page(server, Scope.OUTGOING, 100, cursor)
        found += page.values
        if (cursor := page.next_cursor) is None:
            return found
