"""A track domain that somebody has just made is known when its first reader comes."""

from __future__ import annotations

import pytest

from chalicelib import bootstrap
from chalicelib.adapters.scripted.time import ControlledClock
from chalicelib.config import Settings
from chalicelib.domain.tenancy.credentials import CredentialKind
from chalicelib.ports.clock import Clock
from chalicelib.services.tracking.domains import TrackDomains
from onehost.web.track_hosts import TrackHosts
from tests.tenants import make_tenant

NEW = "go.acme.test"


@pytest.mark.parametrize("path", ["/", "/_local/inbox"])
async def test_a_new_name_is_looked_up_and_a_removed_one_forgotten(path: str) -> None:
    clock = ControlledClock(1_800_000_000)
    program = bootstrap.in_memory(Settings(web_hostname="mail.test"), {Clock: clock})
    server, _ = await make_tenant(program, CredentialKind.API)
    tracks, hosts = program[TrackDomains], program[TrackHosts]
    assert not await hosts.are_asked(NEW, path)
    made = await tracks.add(server, "go", "acme.test")
    assert not await hosts.are_asked(NEW, path)
    clock.advance(1)
    assert not await hosts.are_asked(NEW, "/api/v2/emails")
    assert await hosts.are_asked(NEW, path)
    assert await hosts.are_asked(NEW, "/api/v2/emails")
    await tracks.remove(made)
    clock.advance(29)
    assert await hosts.are_asked(NEW, path)
    clock.advance(1)
    assert not await hosts.are_asked(NEW, path)


@pytest.mark.parametrize("host", ["", "mail.test", "127.0.0.1", "::1"])
async def test_our_own_names_are_never_looked_up(host: str) -> None:
    program = bootstrap.in_memory(Settings(web_hostname="mail.test"))
    assert not await program[TrackHosts].are_asked(host, "/")
