"""What a fault test plays on: stores, zone, receiving server, a tenant, and a way to run processes against them."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import pytest

from chalicelib import bootstrap
from chalicelib.bootstrap import Posthorn
from chalicelib.config import Settings
from chalicelib.domain.model import MessageRecord
from chalicelib.domain.numbering import MessageId
from chalicelib.domain.tenancy.credentials import CredentialKind
from chalicelib.domain.tenancy.servers import Server
from chalicelib.ports.keys import KeyMaker
from chalicelib.ports.messages import MessageStore
from tests.dns_zone import DnsZone
from tests.patience import PATIENCE
from tests.peers import SmtpPeer
from tests.tenants import make_tenant
from tests.worlds import KeptKeys

KILLED = 137
RCPT = "john@example.com"


@dataclass
class Stage:
    """The scenery. `run` starts a process and waits for its end; `kill_at` names the point where it dies."""

    program: Posthorn
    peer: SmtpPeer
    server: Server
    key: str
    environment: dict[str, str]
    accepted: list[dict[str, Any]] = field(default_factory=list)

    def start(self, what: str, kill_at: str = "") -> subprocess.Popen[str]:
        """Start `accept`, `work`, `count`, `sweep`, or what is done by hand."""
        return subprocess.Popen(
            [sys.executable, "-m", "tests.fault.process", what],
            env={**self.environment, "POSTHORN_KILL_AT": kill_at},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, what: str, kill_at: str = "") -> str:
        """Run to the end, which must be death exactly when `kill_at` is given; returns what was printed."""
        process = self.start(what, kill_at)
        out, err = process.communicate(timeout=PATIENCE)
        expected = KILLED if kill_at else 0
        assert process.returncode == expected, (
            f"{what} ended with {process.returncode}: {err[-3000:]}"
        )
        return out

    def accept(self) -> dict[str, Any]:
        """Submit a message that is promised."""
        (answer,) = json.loads(self.run("accept").strip().splitlines()[-1])
        self.accepted.append(answer)
        return dict(answer)

    def work_until_done(self, rounds: int = 6) -> None:
        """Let undisturbed workers finish what is there."""
        for _ in range(rounds):
            self.run("work")
            if self._all_done():
                return

    def record(self, message: int) -> MessageRecord:
        """The stored record with its log."""
        store = self.program[MessageStore]
        found = bootstrap.run(store.get(self.server.id, MessageId(message)))
        log = bootstrap.run(store.deliveries(self.server.id, MessageId(message)))
        return replace(found, deliveries=log)

    def records(self) -> list[MessageRecord]:
        """All outgoing records of the server."""
        from chalicelib.domain.model import Scope

        page = bootstrap.run(self.program[MessageStore].page(self.server.id, Scope.OUTGOING, 50))
        return list(page.values)

    def _all_done(self) -> bool:
        return all(record.state.value == "D" for record in self.records()) and bool(self.records())


AWS = pytest.param("aws", marks=pytest.mark.aws)


@pytest.fixture(params=[AWS, "files"])
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    """A fresh stage of one family; everything on it is stopped afterwards."""
    if request.param == "aws":
        family, settings = "aws", request.getfixturevalue("aws_settings")
        # What a dead worker had comes back only when its time is over.
        settings = replace(settings, lease_seconds=5, visibility_seconds=6)
    else:
        folder = request.getfixturevalue("tmp_path") / "state"
        family, settings = "sqlite", Settings(state_folder=str(folder))
    with DnsZone() as zone, SmtpPeer().in_thread() as peer:
        zone.mx("example.com", (10, "mx.example.com"))
        zone.a("mx.example.com", "127.0.0.1")
        settings = replace(
            settings,
            dns_server=zone.server,
            delivery_port=peer.port,
            allow_private_delivery=True,
            allow_private_destinations=True,
            starttls_seconds=2,
            deadline_seconds=3,
            settle_seconds=1,
        )
        program = Posthorn(settings, family, {KeyMaker: KeptKeys()})
        server, key = bootstrap.run(make_tenant(program, CredentialKind.SMTP))
        environment = {
            **os.environ,
            **{f"POSTHORN_{name.upper()}": str(value) for name, value in asdict(settings).items()},
            "FAULT_KEY": key,
            "FAULT_RCPT": RCPT,
            "FAULT_SERVER": server.full_name,
        }
        yield Stage(program, peer, server, key, environment)


def points(family: str, *names: str) -> list[Any]:
    """Crash points of a family, each with its stage."""
    marks = [pytest.mark.aws] if family == "aws" else []
    return [pytest.param(family, name, marks=marks) for name in names]


def settle(seconds: float) -> None:
    """Give the backend's own timers (visibility, delay) their time: nothing observable marks their end."""
    asyncio.run(asyncio.sleep(seconds))
