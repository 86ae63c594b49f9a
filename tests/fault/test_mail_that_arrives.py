"""A process dies while it takes mail for two servers: what was not promised may be there once, what was is there."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from chalicelib import bootstrap
from chalicelib.domain.model import MessageRecord, Scope, Status
from chalicelib.domain.tenancy.routes import ROUTES, Route, RouteMode
from chalicelib.ports.blobs import BlobStore
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.repository import Repository
from chalicelib.services.tenancy.organizations import Organizations
from chalicelib.services.tenancy.servers import Servers
from tests.fakes import NOW
from tests.fault.stage import Stage, points

WITHOUT_A_WAKE_UP = [
    *points("aws", "numbers.take:after", "blobs.put:after", "blobs.put:after#2"),
    *points("aws", "queue.wake:before"),
    *points("files", "numbers.take:after#2", "intake.store:before"),
]
WITH_WAKE_UPS = [
    *points("aws", "queue.wake:after", "messages.create:before", "messages.create:after"),
    *points("files", "intake.store:after"),
]
OF_AN_ATTEMPT = ["messages.claim:after", "messages.replace:before", "messages.replace:after"]


class Arrivals:
    """Two servers that take mail for acme.test."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        program = stage.program
        organization = bootstrap.run(program[Organizations].create("Other"))
        other = bootstrap.run(program[Servers].create(organization, "Other"))
        self.servers = (stage.server.id, other.id)
        for number, server in enumerate(self.servers):
            identity = "6f7a1f0e-1111-4222-8333-444455556666"
            name = f"n{number}"
            route = Route(
                f"r{number}",
                server,
                identity,
                number,
                name,
                "acme.test",
                name,
                NOW,
                mode=RouteMode.ACCEPT,
            )
            bootstrap.run(program[Repository].add(ROUTES, route))
        stage.environment["FAULT_RCPT"] = "n0@acme.test n1@acme.test"

    def promised(self) -> list[dict[str, Any]]:
        """Have a message come in."""
        made: list[dict[str, Any]] = json.loads(self.stage.run("arrive").strip().splitlines()[-1])
        return made

    def records(self) -> list[MessageRecord]:
        """What both servers have, each with its bytes."""
        found: list[MessageRecord] = []
        for server in self.servers:
            page = self.stage.program[MessageStore].page(server, Scope.INCOMING, 50)
            found += bootstrap.run(page).values
        for record in found:
            assert bootstrap.run(self.stage.program[BlobStore].get(record.message.blob))
        return found

    def settled(self) -> Counter[int]:
        """How many messages each server has, when workers have processed all."""
        for _ in range(6):
            self.stage.run("take_in")
            records = self.records()
            if records and {one.status for one in records} == {Status.PROCESSED}:
                break
        assert {one.status for one in records} <= {Status.PROCESSED}
        return Counter(one.message.server_id for one in records)


@pytest.mark.parametrize(("stage", "point"), WITHOUT_A_WAKE_UP, indirect=["stage"])
def test_death_before_the_wake_ups_promises_nothing_and_leaves_nothing(
    stage: Stage, point: str
) -> None:
    arrivals = Arrivals(stage)
    stage.run("arrive", point)
    stage.run("take_in")
    assert arrivals.records() == []
    assert len(arrivals.promised()) == 2
    assert arrivals.settled() == dict.fromkeys(arrivals.servers, 1)


@pytest.mark.parametrize(("stage", "point"), WITH_WAKE_UPS, indirect=["stage"])
def test_death_after_the_wake_ups_leaves_all_parts(stage: Stage, point: str) -> None:
    arrivals = Arrivals(stage)
    stage.run("arrive", point)
    assert arrivals.settled() == dict.fromkeys(arrivals.servers, 1)
    arrivals.promised()
    assert arrivals.settled() == dict.fromkeys(arrivals.servers, 2)


@pytest.mark.parametrize("point", OF_AN_ATTEMPT)
def test_death_in_an_attempt_loses_nothing(stage: Stage, point: str) -> None:
    arrivals = Arrivals(stage)
    arrivals.promised()
    stage.run("take_in", point)
    assert arrivals.settled() == dict.fromkeys(arrivals.servers, 1)
