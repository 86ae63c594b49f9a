"""The delivery client against aiosmtplib on kept connections, client CPU only; the same sink for
both.

Ours is measured as the delivering function uses it: a session from the pool, a transaction, the
session given back. The message is the same plain text for both. Encryption is left out: it costs
both the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial

from bench.sign import message
from bench.sink import bare_sink
from bench.table import Row, interleaved, print_table
from chalicelib.adapters.network.egress import NetworkEgress
from chalicelib.adapters.sqlite.folder import StateFolder
from chalicelib.adapters.sqlite.sealing_keys import SealingKeys
from chalicelib.adapters.sqlite.vault import FileKeyVault
from chalicelib.adapters.system.randomness import SystemRand
from chalicelib.config import Settings
from chalicelib.domain.envelope import Envelope, Target
from chalicelib.domain.tenancy.sources import EgressSource

SENDER, RECIPIENT = "sender@bench.test", "rcpt@sink.test"
SIZES = {"4 KiB": 4_096, "64 KiB": 65_536}
MESSAGES = 500
Client = Callable[[int, bytes], Coroutine[None, None, None]]
CONNECTIONS = 10


async def ours(port: int, content: bytes) -> None:
    """Send MESSAGES with the network egress."""
    settings = Settings()
    egress = NetworkEgress(settings, FileKeyVault(SealingKeys(StateFolder(settings), SystemRand())))
    target, source = Target("sink.test", "127.0.0.1", port), EgressSource("bench", tls="none")
    envelope = Envelope(SENDER, RECIPIENT)

    async def lane() -> None:
        for _ in range(MESSAGES // CONNECTIONS):
            conversation = await egress.connect(target, source)
            transaction = await conversation.transact(envelope, (content,))
            assert transaction.reply.code == 250 and transaction.stage == "."
            await conversation.release()

    await asyncio.gather(*(lane() for _ in range(CONNECTIONS)))
    await egress.close()


async def theirs(port: int, content: bytes) -> None:
    """Send MESSAGES with aiosmtplib."""
    import aiosmtplib

    async def lane() -> None:
        client = aiosmtplib.SMTP(
            hostname="127.0.0.1", port=port, start_tls=False, local_hostname="bench.test"
        )
        await client.connect()
        for _ in range(MESSAGES // CONNECTIONS):
            await client.sendmail(SENDER, [RECIPIENT], content)
        await client.quit()

    await asyncio.gather(*(lane() for _ in range(CONNECTIONS)))


def send(client: Client, port: int, content: bytes) -> None:
    """One measured call, on an event loop of its own."""
    asyncio.run(client(port, content))


def run() -> list[Row]:
    """Two rows a size: our CPU as a ratio to aiosmtplib's, and theirs."""
    rows = []
    with bare_sink() as (name, port):
        for label, size in SIZES.items():
            content = message(size)
            taken = interleaved(
                {
                    "ours": partial(send, ours, port, content),
                    "aiosmtplib": partial(send, theirs, port, content),
                },
                seconds=0.2,
            )
            ratio = taken["ours"] / taken["aiosmtplib"]
            each = 1e3 / MESSAGES
            rows += [
                Row(
                    f"deliver {label} to {name}, to aiosmtplib",
                    taken["ours"] * each,
                    "ms CPU",
                    ratio,
                    "<= 0.3x",
                    ratio <= 0.3,
                ),
                Row(f"deliver {label}, aiosmtplib", taken["aiosmtplib"] * each, "ms CPU"),
            ]
    return rows


if __name__ == "__main__":
    print_table(run())
