"""What operations on `/api/v2/webhooks` send and answer.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

__all__ = [
    "AttemptTimings",
    "EventType",
    "Retries",
    "Webhook",
    "WebhookAttempt",
    "WebhookFormat",
    "WebhookPage",
    "WebhookToChange",
    "WebhookToMake",
    "WebhookWithSecret",
]


class AttemptTimings(TypedDict):
    """Seconds that the parts took; null for what did not happen. `wait`: from the request to the
    answer's header.
    """

    dns: float | None
    connect: float | None
    tls: float | None
    wait: float | None


EventType = Literal[
    "email.received",
    "email.scheduled",
    "email.delivered",
    "email.delayed",
    "email.failed",
    "email.held",
    "email.released",
    "email.cancelled",
    "email.bounced",
    "email.complained",
    "email.opened",
    "email.clicked",
    "email.unsubscribed",
    "suppression.added",
    "suppression.removed",
    "domain.dns_failed",
    "domain.dns_recovered",
    "server.limit_approaching",
    "server.limit_exceeded",
    "server.rate_exceeded",
    "server.rate_recovered",
    "webhook.test",
]
"""Wire words, api.md 2.18."""


Retries = Literal["long", "postal"]
"""When a failed attempt comes again (api.md 2.17, contract 6.4)."""


class Webhook(TypedDict):
    """A web application that events are posted to."""

    id: str
    uuid: str
    name: str
    url: str
    format: WebhookFormat
    events: list[EventType] | None
    streams: list[str] | None
    tags: list[str] | None
    retries: Retries
    timeout: int
    enabled: bool
    """While it is not, no events are kept for it."""
    disabled_reason: str | None
    created_at: str
    last_used_at: str | None
    public_key: str
    """`whpk_` and base64 of the key that verifies `v1a` signatures."""


class WebhookAttempt(TypedDict):
    """One request to a webhook, and what came of it."""

    at: str
    code: int
    """Of HTTP; or -1: no answer in time, -2: no connection or no HTTP, -3: no TLS, -4: blocked.
    """
    seconds: float
    response: str
    """The first 1,024 characters of its body."""
    error: str | None
    """Why there is no answer."""
    replay: bool
    """A person asked for it."""
    timings: AttemptTimings
    request_headers: dict[str, str]
    response_headers: dict[str, str]


WebhookFormat = Literal["v2", "postal"]
"""Which bodies it gets (api.md 2.18, contract 6.2)."""


class WebhookPage(TypedDict):
    """Webhooks, newest first."""

    has_more: bool
    next_cursor: str | None
    """The `cursor` of the next page."""
    data: list[Webhook]


class WebhookToChange(TypedDict):
    """What may be changed of it. A new `url` is for new events."""

    name: NotRequired[str | None]
    """The URL's host when left out."""
    format: NotRequired[WebhookFormat | None]
    events: NotRequired[list[EventType] | None]
    streams: NotRequired[list[str] | None]
    tags: NotRequired[list[str] | None]
    retries: NotRequired[Retries | None]
    timeout: NotRequired[int | None]
    """Seconds."""
    enabled: NotRequired[bool | None]
    url: NotRequired[str | None]


class WebhookToMake(TypedDict):
    """A new webhook."""

    name: NotRequired[str | None]
    """The URL's host when left out."""
    format: NotRequired[WebhookFormat | None]
    events: NotRequired[list[EventType] | None]
    streams: NotRequired[list[str] | None]
    tags: NotRequired[list[str] | None]
    retries: NotRequired[Retries | None]
    timeout: NotRequired[int | None]
    """Seconds."""
    enabled: NotRequired[bool | None]
    url: str
    """Where to post, by http or https. User-info is used for basic authentication, and shown as `***`,
    which keeps it while scheme, host and port stay the same.
    """
    secret: NotRequired[str | None]


class WebhookWithSecret(Webhook):
    """A webhook with a secret that is shown here alone."""

    secret: str
    """`whsec_` and base64 of the bytes that sign."""
