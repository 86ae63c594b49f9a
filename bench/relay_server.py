"""Our whole relay in one process and without AWS calls: gateway, accept, attempts, both signatures, real connections.

`python -m bench.relay_server --port N --sink N` prints the key for AUTH. What is stubbed is storage alone: bodies lie
in a dictionary until they are delivered, wake-ups go straight from accept to the delivering use case, in batches of at
most 50. Nothing survives the process, so it says 250 to mail that a crash would lose; it is for measuring only.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import time
from collections import deque
from collections.abc import Coroutine, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO

import uvloop

from bench.memory.limits import MemoryNumbers, NobodyListed
from bench.memory.messages import MemoryMessageStore
from bench.memory.repository import MemoryRepository
from bench.tenant import make_tenant
from chalicelib.adapters.network.egress import NetworkEgress
from chalicelib.adapters.scripted.resolver import ScriptedResolver, Zone
from chalicelib.adapters.sqlite.folder import StateFolder
from chalicelib.adapters.sqlite.sealing_keys import SealingKeys
from chalicelib.adapters.sqlite.vault import FileKeyVault
from chalicelib.adapters.storage.intake import OrderedIntake
from chalicelib.adapters.system.clock import SystemClock
from chalicelib.adapters.system.randomness import SystemRand
from chalicelib.bootstrap import in_memory
from chalicelib.config import Settings
from chalicelib.domain.errors import NotFound
from chalicelib.domain.model import BlobRef, DeliveryJob, MessageRecord, State
from chalicelib.domain.numbering import ServerId
from chalicelib.ports.blobs import BlobStore, UploadTicket
from chalicelib.ports.clock import Clock
from chalicelib.ports.egress import Egress
from chalicelib.ports.intake import Intake
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.numbers import Numbers
from chalicelib.ports.queue import WorkQueue
from chalicelib.ports.repository import Repository
from chalicelib.ports.resolver import Resolver
from chalicelib.ports.suppressions import SuppressionList
from chalicelib.ports.vault import KeyVault
from chalicelib.services.outgoing.pipeline import SendOutgoing
from chalicelib.services.queue.attempt import AttemptDelivery, ReceivedJob
from gateway.configuration import Configuration
from gateway.journal import Journal
from gateway.memory import fitted, memory_of_process
from gateway.server import Gateway
from gateway.site import Services, Site

BATCH = 50
WORKERS = 4
LEFT_SECONDS = 0.5
ALGORITHMS = {"both": ("rsa-sha256", "ed25519-sha256"), "rsa": ("rsa-sha256",)}


class PassingBlobs:
    """A `BlobStore` whose objects stay until each of their bodies was dropped once."""

    def __init__(self) -> None:
        self._objects: dict[str, bytes] = {}
        self._left: dict[str, int] = {}
        self._number = 0

    async def put(self, server: ServerId, bodies: Sequence[bytes], now: float) -> list[BlobRef]:
        """Keep the bodies as one object; one reference a body."""
        self._number += 1
        key = f"r/{server}/{self._number}"
        refs, offset = [], 0
        for body in bodies:
            refs.append(BlobRef(key, offset, len(body)))
            offset += len(body)
        self._objects[key], self._left[key] = b"".join(bodies), len(bodies)
        return refs

    async def get(self, ref: BlobRef) -> bytes:
        """The bytes, until they are dropped."""
        if ref.key not in self._objects:
            raise NotFound("The content of this message is no longer kept")
        return self._objects[ref.key][ref.offset : ref.offset + ref.length]

    def drop(self, ref: BlobRef) -> None:
        """A body is no longer needed."""
        self._left[ref.key] -= 1
        if not self._left[ref.key]:
            del self._left[ref.key], self._objects[ref.key]

    async def ticket(self, server: ServerId, size: int, now: float) -> UploadTicket:
        """Nothing is uploaded here."""
        raise NotFound("There are no uploads here")

    async def uploaded(self, server: ServerId, upload_id: str) -> BlobRef:
        """Nothing was uploaded."""
        raise NotFound("There are no uploads here")


class PassingMessages(MemoryMessageStore):
    """The memory store, which forgets messages that are done, so that a long benchmark does not fill memory."""

    async def replace(self, before: MessageRecord, after: MessageRecord) -> bool:
        """Write, then forget what is done."""
        moved = await super().replace(before, after)
        if moved and after.state is State.DONE:
            message = after.message
            key = (message.server_id, message.id)
            del self._records[key], self._logs[key]
        return moved


class HandedQueue:
    """A `WorkQueue` whose items are handed to whoever waits in `take`."""

    longest_wait = 900
    pools_are_deployed = True

    def __init__(self) -> None:
        self._items: deque[DeliveryJob] = deque()
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def wake(self, queue: str, jobs: Sequence[DeliveryJob], at: float = 0) -> None:
        """Hand jobs over, when `at` has come."""
        if (wait := at - time.time()) > 0:
            asyncio.get_running_loop().call_later(wait, self.put, jobs)
        else:
            self.put(jobs)

    async def extend_visibility(self, queue: str, receipt: str, seconds: int) -> None:
        """What is left comes back by itself."""

    async def pools(self) -> tuple[str, ...]:
        """Every server is in the default pool."""
        return ("default",)

    def put(self, items: Sequence[DeliveryJob]) -> None:
        """Add items and wake a worker."""
        self._items.extend(items)
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return

    async def take(self) -> list[DeliveryJob]:
        """At least one item, at most BATCH."""
        while not self._items:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(waiter)
            await waiter
        return [self._items.popleft() for _ in range(min(BATCH, len(self._items)))]


class Relay:
    """The assembled program, and the workers that play its event source."""

    def __init__(self, sink_port: int) -> None:
        settings = replace(Settings(), delivery_port=sink_port, allow_private_delivery=True)
        zone: Zone = {
            "sink.example": {"MX": [(10, "mx.sink.example")]},
            "mx.sink.example": {"A": ["127.0.0.1"]},
        }
        self.blobs, self.queue, messages = PassingBlobs(), HandedQueue(), PassingMessages()
        vault = FileKeyVault(SealingKeys(StateFolder(settings), SystemRand()))
        parts = {
            BlobStore: self.blobs,
            WorkQueue: self.queue,
            MessageStore: messages,
            Intake: OrderedIntake(self.blobs, self.queue, messages),
            Numbers: MemoryNumbers(),
            Repository: MemoryRepository(SystemClock(settings)),
            SuppressionList: NobodyListed(),
            Resolver: ScriptedResolver(zone),
            KeyVault: vault,
            Egress: NetworkEgress(settings, vault),
        }
        self.program = in_memory(settings, parts, live=True)

    async def work(self) -> None:
        """Deliver for ever."""
        while True:
            items = await self.queue.take()
            jobs = [ReceivedJob(item, str(number)) for number, item in enumerate(items)]
            left = await self.program[AttemptDelivery].run(self.program[SendOutgoing], jobs)
            again = [received.job for received in jobs if received.receipt in left]
            if again:
                asyncio.get_running_loop().call_later(LEFT_SECONDS, self.queue.put, again)
            for received in jobs:
                if received.receipt not in left:
                    self.blobs.drop(received.job.message.blob)


async def serve(port: int, sink_port: int, signatures: str, log: TextIO) -> None:
    """Run until the process is ended. The log is rendered in full."""
    relay = Relay(sink_port)
    program = relay.program
    tenant = await make_tenant(program, algorithms=ALGORITHMS[signatures])
    ours = Configuration(
        mx_port=-1, submission_port=port, submissions_port=-1, allow_plain_auth=True
    )
    configuration = fitted(ours, memory_of_process(), program.settings.max_message_size)
    journal = Journal(log, program[Clock].now, addresses=False)
    site = Site(configuration, program.settings, program[Services], journal, None)
    workers = [asyncio.create_task(relay.work()) for _ in range(WORKERS)]
    gateway = Gateway(site)
    await gateway.start()
    print(f"key {tenant.smtp_key}", flush=True)
    await asyncio.gather(*workers)


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--sink", type=int, required=True)
    parser.add_argument("--signatures", choices=sorted(ALGORITHMS), default="both")
    parser.add_argument("--profile", metavar="FILE", help="write cProfile statistics at SIGTERM")
    given = parser.parse_args()
    logging.getLogger("mail.log").setLevel(logging.ERROR)  # aiosmtpd's own line for each event
    with Path(os.devnull).open("w") as log:  # a disk does not count
        serving = serve(given.port, given.sink, given.signatures, log)
        if given.profile:
            _profiled(serving, given.profile)
        else:
            uvloop.run(serving)


def _profiled(serving: Coroutine[Any, Any, None], file: str) -> None:
    """Serve on asyncio's own loop, which lets signal handlers run."""
    import cProfile
    import signal

    profile = cProfile.Profile()

    def end(*_: object) -> None:
        profile.disable()
        profile.dump_stats(file)
        os._exit(0)

    signal.signal(signal.SIGTERM, end)
    profile.enable()
    asyncio.run(serving)


if __name__ == "__main__":
    main()
