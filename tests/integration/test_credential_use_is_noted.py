"""The time of a credential's last use (contract section 1.4): noted, but not at every use."""

from __future__ import annotations

from chalicelib.adapters.system.faults import raising
from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.tenancy.credentials import CredentialKind
from chalicelib.ports.repository import Repository
from chalicelib.ports.vault import KeyVault
from chalicelib.services.tenancy.authenticate import Authenticate
from chalicelib.services.tenancy.client_directory import ClientDirectory
from chalicelib.services.tenancy.credentials import Credentials
from chalicelib.services.tenancy.directory import Directory
from chalicelib.services.tenancy.last_use import USE_SECONDS
from tests.worlds import Scene, make_scene

API = frozenset({CredentialKind.API})


async def used_at(scene: Scene) -> int | None:
    found = await scene.posthorn[Credentials].of(scene.server)
    return next(each.last_used_at for each in found if each.kind is CredentialKind.API)


async def test_a_use_is_noted_once_an_hour() -> None:
    scene = await make_scene()
    assert await used_at(scene) is None
    first = int(scene.clock.now())
    await scene.posthorn[Authenticate].by_key(scene.api_key, API)
    assert await used_at(scene) == first
    scene.clock.advance(USE_SECONDS - 1)
    await scene.posthorn[Authenticate].by_key(scene.api_key, API)
    assert await used_at(scene) == first
    scene.clock.advance(1)
    await scene.posthorn[Authenticate].by_key(scene.api_key, API)
    assert await used_at(scene) == first + USE_SECONDS


async def test_a_store_that_is_away_keeps_nobody_out() -> None:
    scene = await make_scene()
    away = raising(scene.posthorn[Repository], "note", TemporaryFailure("The store is away"))
    service = Authenticate(
        scene.posthorn[Directory],
        scene.posthorn[ClientDirectory],
        scene.posthorn[KeyVault],
        away,
        scene.clock,
    )
    principal = await service.by_key(scene.api_key, API)
    assert principal.server.id == scene.server.id
    assert await used_at(scene) is None


async def test_a_clock_that_is_set_back_is_noted_and_puts_no_later_use_off() -> None:
    scene = await make_scene()
    await scene.posthorn[Authenticate].by_key(scene.api_key, API)
    scene.clock.advance(-86_400)
    await scene.posthorn[Authenticate].by_key(scene.api_key, API)
    assert await used_at(scene) == int(scene.clock.now())
