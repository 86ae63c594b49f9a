"""Our way of incoming mail in one process, storage in memory: gateway, accept, the attempt that checks.

`python -m bench.verify_server --port N --dns HOST:PORT` takes mail for one route that accepts all and hands nothing on.
Each message is asked about in DNS, really: SPF, DKIM, DMARC, ARC. After each batch a line says how many messages are
done with, and how many of them passed. As in `bench.relay_server`, nothing survives the process.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TextIO

import uvloop

from bench.memory.limits import MemoryNumbers, NobodyListed
from bench.memory.repository import MemoryRepository
from bench.relay_server import HandedQueue, PassingBlobs, PassingMessages
from bench.tenant import DOMAIN, Tenant, make_tenant
from chalicelib.adapters.network.resolver import DnsResolver
from chalicelib.adapters.storage.intake import OrderedIntake
from chalicelib.adapters.system.clock import SystemClock
from chalicelib.bootstrap import Posthorn, in_memory
from chalicelib.config import Settings
from chalicelib.domain.inspection import Authentication
from chalicelib.domain.model import MessageRecord, State
from chalicelib.domain.tenancy.routes import ROUTES, Route, RouteMode
from chalicelib.ports.blobs import BlobStore
from chalicelib.ports.clock import Clock
from chalicelib.ports.intake import Intake
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.numbers import Numbers
from chalicelib.ports.queue import WorkQueue
from chalicelib.ports.repository import Repository
from chalicelib.ports.resolver import Resolver
from chalicelib.ports.suppressions import SuppressionList
from chalicelib.services.incoming.pipeline import CarryIncoming
from chalicelib.services.queue.attempt import AttemptDelivery, ReceivedJob
from gateway.configuration import Configuration
from gateway.journal import Journal
from gateway.memory import fitted, memory_of_process
from gateway.server import Gateway
from gateway.site import Services, Site

WORKERS = 4
PROXIES = "127.0.0.0/8"
RECIPIENT = f"rcpt@{DOMAIN}"


class CountingMessages(PassingMessages):
    """The memory store, which counts those that are done with and those that passed."""

    def __init__(self) -> None:
        super().__init__()
        self.done = 0
        self.passed = 0

    async def replace(self, before: MessageRecord, after: MessageRecord) -> bool:
        """Write, and count what is done."""
        moved = await super().replace(before, after)
        if moved and after.state is State.DONE:
            self.done += 1
            self.passed += has_passed(after)
        return moved


class Receiver:
    """The assembled program, and the workers that play its event source."""

    def __init__(self, name_server: str) -> None:
        settings = replace(Settings(), dns_server=name_server)
        self.blobs, self.queue, self.messages = PassingBlobs(), HandedQueue(), CountingMessages()
        parts = {
            BlobStore: self.blobs,
            WorkQueue: self.queue,
            MessageStore: self.messages,
            Intake: OrderedIntake(self.blobs, self.queue, self.messages),
            Numbers: MemoryNumbers(),
            Repository: MemoryRepository(SystemClock(settings)),
            SuppressionList: NobodyListed(),
            Resolver: DnsResolver(settings, SystemClock(settings)),
        }
        self.program = in_memory(settings, parts, live=True)

    async def work(self) -> None:
        """Attempt for ever."""
        while True:
            items = await self.queue.take()
            jobs = [ReceivedJob(item, str(number)) for number, item in enumerate(items)]
            left = await self.program[AttemptDelivery].run(self.program[CarryIncoming], jobs)
            assert not left, left
            for item in items:
                self.blobs.drop(item.message.blob)
            print(self.messages.done, self.messages.passed, flush=True)


def has_passed(record: MessageRecord) -> bool:
    """Whether SPF, DKIM and DMARC vouch for the sender."""
    found = record.inspection and record.inspection.authentication
    if not isinstance(found, Authentication):
        return False
    signatures = [signature.result for signature in found.dkim]
    return (found.spf.result, signatures, found.dmarc.result) == ("pass", ["pass"], "pass")


async def make_receiver(program: Posthorn) -> Tenant:
    """A tenant whose route takes everything for its domain."""
    tenant = await make_tenant(program)
    now, mode = int(program[Clock].now()), RouteMode.ACCEPT
    route = Route("bench", tenant.server.id, "bench-route", 1, "*", DOMAIN, "bench000", now, mode)
    await program[Repository].add(ROUTES, route)
    return tenant


async def serve(port: int, name_server: str, log: TextIO) -> None:
    """Run until the process is ended. The log is rendered in full."""
    receiver = Receiver(name_server)
    program = receiver.program
    await make_receiver(program)
    ours = Configuration(
        mx_port=port, submission_port=-1, submissions_port=-1, proxy_networks=PROXIES
    )
    configuration = fitted(ours, memory_of_process(), program.settings.max_message_size)
    journal = Journal(log, program[Clock].now, addresses=False)
    gateway = Gateway(Site(configuration, program.settings, program[Services], journal, None))
    workers = [asyncio.create_task(receiver.work()) for _ in range(WORKERS)]
    await gateway.start()
    await asyncio.gather(*workers)


def main(argv: Sequence[str] | None = None) -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--dns", required=True)
    given = parser.parse_args(argv)
    logging.getLogger("mail.log").setLevel(logging.ERROR)  # aiosmtpd's own line for each event
    with Path(os.devnull).open("w") as log:  # a disk does not count
        uvloop.run(serve(given.port, given.dns, log))


if __name__ == "__main__":
    main()
