"""Webhooks and their deliveries as requests and answers of API v2 (api.md 2.17)."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, StrictBool

from chalicelib.api.v2.fields import LONGEST_TAG, Instant
from chalicelib.api.v2.objects import Answer, Body, ListAnswer, Moment, PageQuery, Request
from chalicelib.api.v2.organizations import Name
from chalicelib.api.v2.patch import Patch
from chalicelib.api.v2.report_models import LARGEST_ID
from chalicelib.domain.http_url import LONGEST_URL, with_user_info
from chalicelib.domain.occurrence import EventType
from chalicelib.domain.tenancy import webhooks as tenancy
from chalicelib.domain.tenancy.webhooks import Retries, WebhookFormat
from chalicelib.domain.webhooks import delivery as domain
from chalicelib.domain.webhooks.delivery import DeliveryStatus
from chalicelib.services.tenancy.receiver_url import HIDDEN

MOST_NAMED = 100
Url = Annotated[
    str,
    Field(
        min_length=1,
        max_length=LONGEST_URL,
        description="Where to post, by http or https. User-info is used for basic authentication, and shown as `***`,"
        " which keeps it while scheme, host and port stay the same.",
        examples=["https://app.example/hook"],
    ),
]
Events = Annotated[
    list[EventType],
    Field(min_length=1, max_length=MOST_NAMED, description="Null: all, also those to come."),
]
Streams = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=100)]],
    Field(
        min_length=1,
        max_length=MOST_NAMED,
        description="Only events of messages of these streams. Null: all.",
    ),
]
Tags = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=LONGEST_TAG)]],
    Field(
        min_length=1,
        max_length=MOST_NAMED,
        description="Only events of messages with one of these tags. Null: all.",
    ),
]
Timeout = Annotated[int, Field(ge=1, le=30, strict=True, description="Seconds.")]
GivenSecret = Annotated[
    str, Field(max_length=200, description="`whsec_` and base64 of 24 to 64 bytes; made without.")
]
_SHOWN = frozenset(
    (
        "id uuid name format events streams tags retries timeout enabled disabled_reason"
        " created_at last_used_at"
    ).split()
)


class Webhook(Answer):
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
    enabled: Annotated[bool, Field(description="While it is not, no events are kept for it.")]
    disabled_reason: str | None
    created_at: Moment
    last_used_at: Moment | None
    public_key: Annotated[
        str, Field(description="`whpk_` and base64 of the key that verifies `v1a` signatures.")
    ]


class WebhookWithSecret(Webhook):
    """A webhook with a secret that is shown here alone."""

    secret: Annotated[str, Field(description="`whsec_` and base64 of the bytes that sign.")]


class WebhookSettings(Request):
    """What a webhook may be made with and changed to."""

    name: Annotated[Name | None, Field(description="The URL's host when left out.")] = None
    format: WebhookFormat = WebhookFormat.V2
    events: Events | None = None
    streams: Streams | None = None
    tags: Tags | None = None
    retries: Retries = Retries.LONG
    timeout: Timeout = 5
    enabled: StrictBool = True


class WebhookToMake(WebhookSettings, Body):
    """A new webhook."""

    url: Url
    secret: GivenSecret | None = None


class WebhookToChange(WebhookSettings, Patch):
    """What may be changed of it. A new `url` is for new events."""

    needed = frozenset({"url"})

    url: Url | None = None


class WebhookPage(ListAnswer):
    """Webhooks, newest first."""

    data: list[Webhook]


class AttemptTimings(Answer):
    """Seconds that the parts took; null for what did not happen. `wait`: from the request to the answer's header."""

    dns: float | None
    connect: float | None
    tls: float | None
    wait: float | None


class WebhookAttempt(Answer):
    """One request to a webhook, and what came of it."""

    at: Moment
    code: Annotated[
        int,
        Field(
            description="Of HTTP; or -1: no answer in time, -2: no connection or no HTTP, -3: no TLS, -4: blocked."
        ),
    ]
    seconds: float
    response: Annotated[str, Field(description="The first 1,024 characters of its body.")]
    error: Annotated[str | None, Field(description="Why there is no answer.")]
    replay: Annotated[bool, Field(description="A person asked for it.")]
    timings: AttemptTimings
    request_headers: dict[str, str]
    response_headers: dict[str, str]


class WebhookDeliveryBrief(Answer):
    """An event on its way to a webhook, without its body."""

    id: str
    webhook: str
    event: EventType
    event_id: str
    email: Annotated[int | None, Field(description="The message that it is about.")]
    url: str
    status: DeliveryStatus
    created_at: Moment
    next_attempt_at: Moment | None


class WebhookDelivery(WebhookDeliveryBrief):
    """An event on its way to a webhook."""

    payload: Annotated[str, Field(description="The exact body.")]
    attempts: Annotated[list[WebhookAttempt], Field(description="The newest 20, oldest first.")]


class WebhookDeliveryPage(ListAnswer):
    """Deliveries, newest first."""

    data: list[WebhookDeliveryBrief]


class WebhookDeliveryQuery(PageQuery):
    """Which deliveries."""

    webhook: Annotated[str | None, Field(max_length=50)] = None
    event: EventType | None = None
    email: Annotated[int | None, Field(ge=1, le=LARGEST_ID)] = None
    status: DeliveryStatus | None = None
    since: Instant | None = None
    until: Instant | None = None


class WebhookReplay(Body):
    """Where to send it once more."""

    url: Annotated[Url | None, Field(description="Elsewhere; left out: its own URL.")] = None


def webhook_shown(webhook: tenancy.Webhook, public_key: str) -> dict[str, Any]:
    """The fields of an answer."""
    user_info = "" if webhook.sealed_user_info is None else HIDDEN
    return {
        **{name: getattr(webhook, name) for name in _SHOWN},
        "url": with_user_info(webhook.url, user_info),
        "public_key": public_key,
    }


def attempt_shown(attempt: domain.WebhookAttempt) -> WebhookAttempt:
    """An attempt as an answer; of fields of one name the values are put together, as HTTP means them."""
    plain = ("at", "code", "seconds", "response", "error", "replay")
    return WebhookAttempt(
        **{name: getattr(attempt, name) for name in plain},
        timings=AttemptTimings.model_validate(attempt.timings),
        request_headers=_headers(attempt.request_headers),
        response_headers=_headers(attempt.response_headers),
    )


def delivery_brief(delivery: domain.WebhookDelivery) -> dict[str, Any]:
    """The fields of a delivery in a list."""
    return {name: getattr(delivery, name) for name in WebhookDeliveryBrief.model_fields}


def delivery_shown(delivery: domain.WebhookDelivery) -> WebhookDelivery:
    """A delivery as an answer."""
    return WebhookDelivery(
        **delivery_brief(delivery),
        payload=delivery.payload.decode("utf-8", "replace"),
        attempts=[attempt_shown(one) for one in delivery.attempts],
    )


def _headers(fields: tuple[domain.Header, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in fields:
        found[one.name] = f"{found[one.name]}, {one.value}" if one.name in found else one.value
    return found
