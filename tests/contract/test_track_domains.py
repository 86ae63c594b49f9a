"""Track domains: one for each server and sending domain, as people change them and as the mail path reads them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.engagement import DnsStatus, TrackDomain
from chalicelib.domain.errors import Conflict, NotFound
from chalicelib.domain.tenancy import ServerId
from chalicelib.ports.accounts import Accounts
from chalicelib.ports.directory import Directory
from tests.contract.conftest import World
from tests.fakes import NOW, a_server_id


def a_track_domain(server: ServerId, domain: str = "acme.test", **changes: Any) -> TrackDomain:
    values: dict[str, Any] = {
        "name": f"track.{domain}",
        "label": "track",
        "domain": domain,
        "server_id": server,
        "uuid": "6f7a1f0e-1111-4222-8333-444455556666",
        "created_at": NOW,
    }
    return TrackDomain(**(values | changes))


async def test_they_are_added_listed_changed_and_removed(world: World) -> None:
    store = world[Accounts]
    first = a_track_domain(world.server, excluded_click_domains=("a.test", "b.test:8080"))
    other = a_track_domain(world.server, "a.test", ssl_enabled=False, label="go")
    await store.add_track_domain(first)
    await store.add_track_domain(other)
    assert await store.track_domains(world.server) == [other, first]
    assert await store.track_domains(a_server_id()) == []
    seen = replace(first, dns_status=DnsStatus.INVALID, dns_error="wrong", dns_checked_at=NOW)
    await store.update_track_domain(seen)
    assert await store.track_domains(world.server) == [other, seen]
    await store.remove_track_domain(seen)
    assert await store.track_domains(world.server) == [other]


async def test_a_server_has_one_for_each_sending_domain(world: World) -> None:
    store, neighbour = world[Accounts], a_server_id()
    await store.add_track_domain(a_track_domain(world.server))
    with pytest.raises(Conflict):
        await store.add_track_domain(a_track_domain(world.server, label="another"))
    await store.add_track_domain(a_track_domain(neighbour))
    assert len(await store.track_domains(neighbour)) == 1


async def test_one_that_is_not_there_cannot_be_changed(world: World) -> None:
    missing = a_track_domain(world.server)
    for change in (
        world[Accounts].update_track_domain,
        world[Accounts].remove_track_domain,
    ):
        with pytest.raises(NotFound):
            await change(missing)


async def test_the_mail_path_finds_it_by_server_and_sending_domain(world: World) -> None:
    track = a_track_domain(world.server)
    assert await world[Directory].track_domain(world.server, "acme.test") is None
    await world[Accounts].add_track_domain(track)
    assert await world[Directory].track_domain(world.server, "acme.test") == track
    assert await world[Directory].track_domain(a_server_id(), "acme.test") is None
    assert await world[Directory].track_domain(world.server, "other.test") is None
    await world.another()[Accounts].update_track_domain(replace(track, track_loads=False))
    world.clock.advance(30)
    found = await world[Directory].track_domain(world.server, "acme.test")
    assert found is not None
    assert not found.track_loads
