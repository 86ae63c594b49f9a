"""Webhooks as people make and change them (api.md 2.17).

User-info and secrets are sealed as soon as they are there; a secret is shown once, when it is made. Names are looked up
by whoever connects; only addresses are refused here.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from chalicelib.config import Settings
from chalicelib.domain.destination_guard import read_guard
from chalicelib.domain.errors import TooMany, wrong_field
from chalicelib.domain.http_url import read_url
from chalicelib.domain.ids import random_letters
from chalicelib.domain.tenancy.entity import Place
from chalicelib.domain.tenancy.owners import of_server
from chalicelib.domain.tenancy.servers import Server
from chalicelib.domain.tenancy.uuids import new_uuid
from chalicelib.domain.tenancy.webhooks import WEBHOOKS, Webhook
from chalicelib.domain.webhooks.lane import LaneJob
from chalicelib.ports.clock import Clock
from chalicelib.ports.rand import Rand
from chalicelib.ports.repository import Guard, Repository
from chalicelib.ports.webhook_lanes import WebhookLanes
from chalicelib.services.tenancy.names import checked_name
from chalicelib.services.tenancy.receiver_secrets import PREFIX, ReceiverSecrets
from chalicelib.services.tenancy.receiver_url import (
    HIDDEN,
    UNKNOWN_USER_INFO,
    check_user_info_stays,
    checked_url,
)
from chalicelib.services.tenancy.streams import Streams

MOST_OF_A_SERVER = 50
ID_LETTERS = 12
LEAST_SECRET, LONGEST_SECRET = 24, 64
WRONG_SECRET = f"This is not {PREFIX} and base64 of {LEAST_SECRET} to {LONGEST_SECRET} bytes"
# Fields that are stored as they are given.
_PLAIN = frozenset("format events streams tags retries timeout enabled".split())


class Webhooks:
    """The webhooks of servers."""

    def __init__(
        self,
        repository: Repository,
        clock: Clock,
        rand: Rand,
        settings: Settings,
        secrets: ReceiverSecrets,
        lanes: WebhookLanes,
        streams: Streams,
    ) -> None:
        self._streams = streams
        self._repository = repository
        self._secrets = secrets
        self._clock = clock
        self._rand = rand
        self._lanes = lanes
        self._guard = read_guard(settings.allowed_destinations, settings.allow_private_destinations)

    async def create(self, server: Server, given: Mapping[str, Any]) -> tuple[Webhook, str]:
        """A new webhook and its secret. InvalidRequest names what is wrong, a destination that is closed and a stream
        that the server lacks among it; TooMany when the server has MOST_OF_A_SERVER."""
        bare = Webhook(
            id=random_letters(self._rand.bytes(32), ID_LETTERS),
            server_id=server.id,
            uuid=new_uuid(self._rand.bytes(16)),
            name="",
            created_at=int(self._clock.now()),
            url="",
        )
        secret = given.get("secret")
        key = None if secret is None else checked_secret(secret)
        made = _named(replace(bare, **await self._fields(bare, given)))
        made, shown = await self._secrets.with_secret(made, key)
        await self._repository.add(WEBHOOKS, made, self._room(server))
        return made, shown

    async def of(self, server: Server) -> list[Webhook]:
        """The server's webhooks, newest first."""
        found = await self._repository.all(WEBHOOKS, of_server(server.id))
        return sorted(found, key=lambda each: (each.created_at, each.id), reverse=True)

    async def get(self, server: Server, webhook: str) -> Webhook:
        """By id; NotFound."""
        return await self._repository.get(WEBHOOKS, Place(of_server(server.id), webhook))

    async def change(self, webhook: Webhook, given: Mapping[str, Any]) -> Webhook:
        """Change fields of a webhook; None is a field's default. What waits for one that is disabled fails; a new URL
        is for new events. Raises as `create` does."""
        fields = await self._fields(webhook, given)

        def changed(one: Webhook) -> Webhook:
            if "url" in given:
                has_user_info = one.sealed_user_info is not None
                check_user_info_stays(one.url, has_user_info=has_user_info, given=given["url"])
            return _named(replace(one, **fields))

        after = await self._modify(webhook, changed)
        if "enabled" in given:
            await self._begun_anew(after)
        return after

    async def enable(self, webhook: Webhook) -> Webhook:
        """Have events posted to it again; its failures are forgotten."""
        after = await self._modify(
            webhook,
            lambda one: replace(one, enabled=True, disabled_reason=None, disabled_at=None),
        )
        await self._begun_anew(after)
        return after

    async def disable(self, webhook: Webhook, reason: str) -> Webhook:
        """Have nothing posted to it until it is enabled; `reason` is for people."""
        now = int(self._clock.now())

        def disabled(one: Webhook) -> Webhook:
            return replace(one, enabled=False, disabled_reason=reason, disabled_at=now)

        return await self._modify(webhook, disabled)

    async def rotate(self, webhook: Webhook) -> tuple[Webhook, str]:
        """Give it a new secret; the old one signs too for a day."""
        made, secret = await self._secrets.rotated(webhook)

        def rotated(one: Webhook) -> Webhook:
            return replace(
                one,
                sealed_secret=made.sealed_secret,
                sealed_old_secret=made.sealed_old_secret,
                old_secret_until=made.old_secret_until,
            )

        return await self._modify(webhook, rotated), secret

    async def remove(self, webhook: Webhook) -> None:
        """Forget a webhook. What waits for it fails; its deliveries are listed until they end."""
        await self._repository.remove(WEBHOOKS, webhook)
        await self._lanes.wake([LaneJob(webhook.server_id, webhook.id)])

    async def _begun_anew(self, webhook: Webhook) -> None:
        await self._lanes.forget_failures(webhook.server_id, webhook.id)
        # Whoever works at the lane finds what is to be done with what waits.
        await self._lanes.wake([LaneJob(webhook.server_id, webhook.id)])

    async def _modify(self, webhook: Webhook, how: Callable[[Webhook], Webhook]) -> Webhook:
        return await self._repository.modify(WEBHOOKS, WEBHOOKS.place(webhook), how)

    async def _fields(self, webhook: Webhook, given: Mapping[str, Any]) -> dict[str, Any]:
        """The fields to store, user-info sealed."""
        found = {name: _stored(one) for name, one in given.items() if name in _PLAIN}
        if "name" in given:
            name = given["name"]
            found["name"] = "" if name is None else checked_name(name)
        if "url" in given:
            found |= await self._url(webhook, given["url"])
        named = {f"/streams/{at}": one for at, one in enumerate(given.get("streams") or ())}
        await self._streams.check_known(webhook.server_id, named)
        if "enabled" in given:
            found |= {"disabled_reason": None, "disabled_at": None}
        return found

    async def _url(self, webhook: Webhook, text: str) -> dict[str, Any]:
        url = checked_url(text, self._guard)
        if url.user_info == HIDDEN:
            if webhook.sealed_user_info is None:
                raise wrong_field("url", UNKNOWN_USER_INFO)
            return {"url": url.bare}
        sealed = (await self._secrets.with_user_info(webhook, url.user_info)).sealed_user_info
        return {"url": url.bare, "sealed_user_info": sealed}

    def _room(self, server: Server) -> Guard:
        async def check() -> None:
            known = await self._repository.all(WEBHOOKS, of_server(server.id))
            if len(known) >= MOST_OF_A_SERVER:
                raise TooMany(f"A server has at most {MOST_OF_A_SERVER} webhooks")

        return check


def checked_secret(text: str) -> bytes:
    """The bytes of a secret that was given; InvalidRequest for what is none."""
    try:
        found = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError) as error:
        raise wrong_field("secret", WRONG_SECRET) from error
    if not text.startswith(PREFIX) or not LEAST_SECRET <= len(found) <= LONGEST_SECRET:
        raise wrong_field("secret", WRONG_SECRET)
    return found


def _stored(value: Any) -> Any:
    return tuple(dict.fromkeys(value)) if isinstance(value, list) else value


def _named(webhook: Webhook) -> Webhook:
    """The webhook with its default name."""
    if webhook.name:
        return webhook
    url = read_url(webhook.url)
    return replace(webhook, name="" if url is None else url.host[:100])
