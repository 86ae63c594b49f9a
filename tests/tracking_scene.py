"""A tenant with a tracked message: what a test needs to open it and to follow its links."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.bootstrap import Posthorn
from chalicelib.domain.model import MessageRecord
from chalicelib.domain.numbering import MessageId
from chalicelib.domain.tenancy.servers import Server
from chalicelib.domain.tracking.token import tracking_token
from chalicelib.domain.tracking.visit import Visit
from chalicelib.ports.engagement import Engagement
from chalicelib.ports.vault import KeyVault
from chalicelib.services.messages.history import Activity, MessageHistory
from chalicelib.services.tenancy.directory import Directory
from chalicelib.services.tracking.answer import Answer, Track
from tests.worlds import Scene, make_scene

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
LINKS = ("https://acme.test/first?a=1&b=2", "http://acme.test/second")
READER = "203.0.113.9"


async def mac_key_of(posthorn: Posthorn) -> bytes:
    """The installation's key of address MACs."""
    installation = await posthorn[Directory].installation()
    return await posthorn[KeyVault].open(installation.sealed_mac_key, installation.mac_context)


@dataclass
class TrackedMail:
    """One message of a server whose links are kept."""

    posthorn: Posthorn
    server: Server
    message: MessageId
    mac_key: bytes

    def token(self, link: int, server_token: str | None = None) -> str:
        """The token of a link, or with 0 of the image."""
        return tracking_token(
            self.server.id, self.message, link, server_token or self.server.token, self.mac_key
        )

    @property
    def image(self) -> str:
        """The path of the image."""
        return f"/img/{self.server.token}/{self.token(0)}"

    def link(self, number: int) -> str:
        """The path of a link."""
        return f"/{self.server.token}/{self.token(number)}"

    async def visit(
        self,
        path: str,
        method: str = "GET",
        query: str = "",
        headers: Mapping[str, str] | None = None,
        source: str = READER,
    ) -> Answer:
        """What a reader gets."""
        said = {"user-agent": BROWSER} if headers is None else headers
        return await self.posthorn[Track].answer(Visit(method, path, query, said, source))

    async def record(self) -> MessageRecord:
        """The message as it stands."""
        return await self.posthorn[MessageHistory].record(self.server.id, self.message)

    async def activity(self) -> Activity:
        """Its opens and clicks."""
        return await self.posthorn[MessageHistory].activity(await self.record())


async def make_tracked_mail(
    scene: Scene | None = None, links: tuple[str, ...] = LINKS
) -> tuple[Scene, TrackedMail]:
    """An accepted message whose links are kept, in a scene of its own unless one is given."""
    scene = scene or await make_scene()
    (accepted,) = await scene.accept("john@example.com")
    message = MessageId(accepted.id)
    keep_until = int(scene.clock.now()) + 86_400
    await scene.posthorn[Engagement].keep_links(scene.server.id, message, links, keep_until)
    key = await mac_key_of(scene.posthorn)
    return scene, TrackedMail(scene.posthorn, scene.server, message, key)


def as_json(value: Any) -> str:
    """Any value as one text to search in."""
    return json.dumps(value, default=str)
