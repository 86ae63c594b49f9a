"""Endpoints as people make and change them: where routes send mail (contract section 1.8, api.md 2.8).

User-info, passwords and secrets are sealed as soon as they are there; a secret is shown once, when it is made. Names
are looked up by whoever connects; only addresses are refused here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from chalicelib.config import Settings
from chalicelib.domain.destination_guard import read_guard
from chalicelib.domain.errors import Conflict, Taken, TooMany, wrong_field
from chalicelib.domain.ids import random_letters
from chalicelib.domain.tenancy.change import Change, Verb
from chalicelib.domain.tenancy.endpoints import ENDPOINTS, Endpoint, EndpointType
from chalicelib.domain.tenancy.entity import Place
from chalicelib.domain.tenancy.owners import of_server
from chalicelib.domain.tenancy.routes import ROUTES, Route, RouteMode
from chalicelib.domain.tenancy.servers import Server
from chalicelib.domain.tenancy.uuids import new_uuid
from chalicelib.ports.clock import Clock
from chalicelib.ports.rand import Rand
from chalicelib.ports.repository import Guard, Repository
from chalicelib.ports.vault import KeyVault
from chalicelib.services.incoming.endpoint_fields import (
    check_fields,
    check_secrets_stay,
    checked_address,
    checked_host,
    completed,
)
from chalicelib.services.tenancy.names import checked_name
from chalicelib.services.tenancy.receiver_secrets import ReceiverSecrets
from chalicelib.services.tenancy.receiver_url import HIDDEN, UNKNOWN_USER_INFO, checked_url

MOST_OF_A_SERVER = 500
ENDPOINT_ID_LETTERS = 12
# Fields that are stored as they are given.
_PLAIN = frozenset(
    "format encoding strip_replies include_attachments timeout ssl_mode enabled".split()
)


class Endpoints:
    """The endpoints of servers."""

    def __init__(
        self,
        repository: Repository,
        vault: KeyVault,
        clock: Clock,
        rand: Rand,
        settings: Settings,
        secrets: ReceiverSecrets,
    ) -> None:
        self._repository = repository
        self._vault = vault
        self._secrets = secrets
        self._clock = clock
        self._rand = rand
        self._guard = read_guard(settings.allowed_destinations, settings.allow_private_destinations)

    async def create(
        self, server: Server, kind: EndpointType, given: Mapping[str, Any]
    ) -> tuple[Endpoint, str | None]:
        """A new endpoint, and the secret of an HTTP one. InvalidRequest names what is wrong, a destination that is
        closed among it; Taken for a name or address that the server has, TooMany when it has MOST_OF_A_SERVER."""
        check_fields(kind, given, making=True)
        bare = Endpoint(
            id=random_letters(self._rand.bytes(32), ENDPOINT_ID_LETTERS),
            server_id=server.id,
            uuid=new_uuid(self._rand.bytes(16)),
            type=kind,
            name="",
            created_at=int(self._clock.now()),
            port=0 if kind is EndpointType.SMTP else 25,
        )
        fields = await self._fields(bare, given)
        made = completed(replace(bare, **fields), given)
        secret = None
        if kind is EndpointType.HTTP:
            made, secret = await self._secrets.with_secret(made)
        room = self._room_for(lambda: made, adding=True)
        with _unique():
            await self._repository.add(ENDPOINTS, made, room)
        return made, secret

    async def of(self, server: Server) -> list[Endpoint]:
        """The server's endpoints, newest first."""
        found = await self._repository.all(ENDPOINTS, of_server(server.id))
        return sorted(found, key=lambda each: (each.created_at, each.id), reverse=True)

    async def get(self, server: Server, endpoint: str) -> Endpoint:
        """By id; NotFound."""
        return await self._repository.get(ENDPOINTS, Place(of_server(server.id), endpoint))

    async def change(self, endpoint: Endpoint, given: Mapping[str, Any]) -> Endpoint:
        """Change fields of an endpoint, all but its type; None is a field's default. Raises as `create` does."""
        check_fields(endpoint.type, given, making=False)
        fields = await self._fields(endpoint, given)
        after = endpoint

        def changed(one: Endpoint) -> Endpoint:
            nonlocal after
            after = completed(replace(one, **fields), given)
            check_secrets_stay(one, after, given)
            return after

        room = self._room_for(lambda: after)
        with _unique():
            return await self._modify(endpoint, changed, room)

    async def enable(self, endpoint: Endpoint) -> Endpoint:
        """Have routes send to it again."""
        return await self._modify(
            endpoint,
            lambda one: replace(one, enabled=True, disabled_reason=None, disabled_at=None),
        )

    async def disable(self, endpoint: Endpoint, reason: str) -> Endpoint:
        """Have routes send it nothing until it is enabled; `reason` is for people."""
        now = int(self._clock.now())

        def disabled(one: Endpoint) -> Endpoint:
            return replace(one, enabled=False, disabled_reason=reason, disabled_at=now)

        return await self._modify(endpoint, disabled)

    async def rotate(self, endpoint: Endpoint) -> tuple[Endpoint, str]:
        """Give an HTTP endpoint a new secret; the old one signs too for a day. Conflict for others."""
        if endpoint.type is not EndpointType.HTTP:
            raise Conflict("Only endpoints of the type http have a secret")
        made, secret = await self._secrets.rotated(endpoint)

        def rotated(one: Endpoint) -> Endpoint:
            return replace(
                one,
                sealed_secret=made.sealed_secret,
                sealed_old_secret=made.sealed_old_secret,
                old_secret_until=made.old_secret_until,
            )

        return await self._modify(endpoint, rotated), secret

    async def remove(self, endpoint: Endpoint) -> None:
        """Forget an endpoint. Routes that have it are told first: they reject, or leave it out of their additional
        ones."""
        for route in await self.routes_with(endpoint):
            await self._repository.modify(ROUTES, ROUTES.place(route), _without(endpoint.id))

        async def is_unnamed() -> None:
            if await self.routes_with(endpoint):
                raise Conflict("A route was given this endpoint meanwhile; try again")

        await self._repository.change(Change(Verb.REMOVE, ENDPOINTS, endpoint), guard=is_unnamed)

    async def routes_with(self, endpoint: Endpoint) -> list[Route]:
        """The server's routes that send to it."""
        known = await self._repository.all(ROUTES, of_server(endpoint.server_id))
        return [one for one in known if endpoint.id in one.endpoints]

    async def _modify(
        self,
        endpoint: Endpoint,
        how: Callable[[Endpoint], Endpoint],
        guard: Guard | None = None,
    ) -> Endpoint:
        return await self._repository.modify(ENDPOINTS, ENDPOINTS.place(endpoint), how, guard)

    async def _fields(self, endpoint: Endpoint, given: Mapping[str, Any]) -> dict[str, Any]:
        """The fields to store, secrets sealed."""
        found = {name: one for name, one in given.items() if name in _PLAIN}
        readers: dict[str, Callable[[Any], Any]] = {
            "name": lambda name: "" if name is None else checked_name(name),
            "hostname": lambda host: checked_host(host, self._guard),
            "port": lambda port: port or 0,
            "username": lambda name: name or None,
            "address": checked_address,
        }
        found |= {name: read(given[name]) for name, read in readers.items() if name in given}
        if "url" in given:
            found |= await self._url(endpoint, given["url"])
        if "password" in given:
            found["sealed_password"] = await self._sealed(endpoint, given["password"])
        if given.get("enabled"):
            found |= {"disabled_reason": None, "disabled_at": None}
        return found

    async def _url(self, endpoint: Endpoint, text: str) -> dict[str, Any]:
        url = checked_url(text, self._guard)
        if url.user_info == HIDDEN:
            if endpoint.sealed_user_info is None:
                raise wrong_field("url", UNKNOWN_USER_INFO)
            return {"url": url.bare}
        sealed = (await self._secrets.with_user_info(endpoint, url.user_info)).sealed_user_info
        return {"url": url.bare, "sealed_user_info": sealed}

    async def _sealed(self, endpoint: Endpoint, password: str | None) -> bytes | None:
        if not password:
            return None
        return await self._vault.seal(password.encode(), endpoint.context)

    def _room_for(self, what: Callable[[], Endpoint], *, adding: bool = False) -> Guard:
        async def check() -> None:
            one = what()
            known = await self._repository.all(ENDPOINTS, of_server(one.server_id))
            if adding and len(known) >= MOST_OF_A_SERVER:
                raise TooMany(f"A server has at most {MOST_OF_A_SERVER} endpoints")
            others = [each for each in known if each.id != one.id]
            if one.address and any(each.address == one.address for each in others):
                raise Taken("address", "This server has an endpoint for this address already")
            if any(each.name == one.name for each in others):
                raise Taken("name", "This server has an endpoint of this name already")

        return check


@contextmanager
def _unique() -> Iterator[None]:
    """Whatever else the storage finds taken is the name, which was taken in this very moment."""
    try:
        yield
    except (Taken, TooMany):
        raise
    except Conflict as taken:
        raise Taken("name", taken.public) from taken


def _without(endpoint: str) -> Callable[[Route], Route]:
    def changed(route: Route) -> Route:
        others = tuple(one for one in route.additional_endpoints if one != endpoint)
        if route.endpoint != endpoint:
            return replace(route, additional_endpoints=others)
        return replace(route, mode=RouteMode.REJECT, endpoint=None, additional_endpoints=())

    return changed
