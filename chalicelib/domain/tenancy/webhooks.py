"""Webhooks: where a server's events are posted."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from chalicelib.domain.numbering import ServerId
from chalicelib.domain.occurrence import EventType
from chalicelib.domain.tenancy.entity import Entity, Place
from chalicelib.domain.tenancy.owners import of_server


class WebhookFormat(StrEnum):
    """Which bodies it gets (api.md 2.18, contract 6.2)."""

    V2 = "v2"
    POSTAL = "postal"


class Retries(StrEnum):
    """When a failed attempt comes again (api.md 2.17, contract 6.4)."""

    LONG = "long"
    POSTAL = "postal"


@dataclass(frozen=True, slots=True)
class Webhook:
    """A webhook of a server (api.md 2.17). `events`, `streams` and `tags` narrow what it gets; None: all. `url` has no
    user-info; that is sealed in `sealed_user_info`. `sealed_old_secret` signs too until `old_secret_until` (epoch
    seconds)."""

    id: str
    server_id: ServerId
    uuid: str
    name: str
    created_at: int
    url: str
    sealed_user_info: bytes | None = None
    format: WebhookFormat = WebhookFormat.V2
    events: tuple[EventType, ...] | None = None
    streams: tuple[str, ...] | None = None
    tags: tuple[str, ...] | None = None
    retries: Retries = Retries.LONG
    timeout: int = 5
    sealed_secret: bytes | None = None
    sealed_old_secret: bytes | None = None
    old_secret_until: int | None = None
    enabled: bool = True
    disabled_reason: str | None = None
    disabled_at: int | None = None  # by itself, as the reason says
    last_used_at: int | None = None

    @property
    def context(self) -> dict[str, str]:
        """The associated data under which its secrets are sealed."""
        return {"item": "webhook", "webhook": self.id}


WEBHOOKS = Entity(
    Webhook,
    "webhook",
    place=lambda one: Place(of_server(one.server_id), one.id),
    code="WH",
    texts=("name",),
    sealed=("sealed_user_info", "sealed_secret", "sealed_old_secret"),
    audited="webhook",
)
