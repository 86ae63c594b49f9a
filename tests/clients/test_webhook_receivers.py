"""What receives webhooks elsewhere takes ours, unmodified: django-anymail's view for Postal, and `standardwebhooks`."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
import standardwebhooks

from chalicelib.bootstrap import Posthorn, in_memory
from chalicelib.config import Settings
from chalicelib.domain.tenancy.credentials import CredentialKind
from chalicelib.domain.tenancy.entity import Place
from chalicelib.domain.tenancy.installation import INSTALLATION
from chalicelib.domain.tenancy.owners import THE_INSTALLATION
from chalicelib.domain.tenancy.servers import Server
from chalicelib.domain.tenancy.webhooks import WebhookFormat
from chalicelib.domain.webhooks.lane import LaneJob
from chalicelib.ports.repository import Repository
from chalicelib.services.webhooks.fan_out import FanOut
from chalicelib.services.webhooks.sample import TryWebhook
from chalicelib.services.webhooks.webhooks import Webhooks
from chalicelib.services.webhooks.work_lane import WorkLane
from tests.http_peer import Heard, HttpPeer
from tests.tenants import make_tenant
from tests.webhook_events import an_event

pytestmark = pytest.mark.clients

django = pytest.importorskip("django", reason="django is not installed")
anymail = pytest.importorskip("anymail", reason="django-anymail is not installed")

from django.conf import settings as django_settings  # noqa: E402

if not django_settings.configured:
    django_settings.configure(INSTALLED_APPS=["anymail"], USE_TZ=True)
    django.setup()

from anymail.exceptions import AnymailWebhookValidationFailure  # noqa: E402
from anymail.signals import tracking  # noqa: E402
from anymail.webhooks.postal import PostalTrackingWebhookView  # noqa: E402
from django.test import RequestFactory  # noqa: E402

MESSAGE = {
    "id": 12345,
    "token": "abcdef1234567890",
    "direction": "outgoing",
    "message_id": "5817a64332f44@acme.test",
    "to": "test@example.com",
    "from": "sales@acme.test",
    "subject": "Wëlcome",
    "timestamp": 1477945177.12994,
    "spam_status": "NotSpam",
    "tag": "welcome",
}
VISITOR = {"ip_address": "203.0.113.9", "user_agent": "Mozilla/5.0"}


def _status(status: str) -> dict[str, Any]:
    return {"message": MESSAGE, "status": status, "details": "As told", "output": "250 OK"}


PAYLOADS = {
    "MessageSent": (_status("Sent"), "delivered"),
    "MessageDelayed": (_status("SoftFail"), "deferred"),
    "MessageDeliveryFailed": (_status("HardFail"), "failed"),
    "MessageHeld": (_status("Held"), "queued"),
    "MessageBounced": ({"original_message": MESSAGE, "bounce": MESSAGE}, "bounced"),
    "MessageLinkClicked": ({"message": MESSAGE, "url": "https://a.test/", **VISITOR}, "clicked"),
}


@dataclass
class Scene:
    program: Posthorn
    server: Server
    peer: HttpPeer

    async def posted(self, shape: WebhookFormat, **bodies: bytes) -> tuple[Heard, str]:
        """What a webhook of this format heard of an event with these bodies, and its secret."""
        given = {"url": self.peer.url("/hook"), "format": shape}
        webhook, secret = await self.program[Webhooks].create(self.server, given)
        event = an_event(self.server.id, 1, **bodies)
        assert await self.program[FanOut].take(self.server.id, [event]) == 1
        await self.program[WorkLane].run(LaneJob(self.server.id, webhook.id), 10)
        return self.peer.requests[-1], secret


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    program = in_memory(Settings(allow_private_destinations=True), live=True)
    server, _ = await make_tenant(program, CredentialKind.API)
    async with HttpPeer() as peer:
        yield Scene(program, server, peer)


async def view(scene: Scene) -> Any:
    """The view, told our key as the documentation of Postal says: the `p=` of the DKIM record."""
    installation = await scene.program[Repository].get(INSTALLATION, Place(THE_INSTALLATION))
    return PostalTrackingWebhookView.as_view(webhook_key=installation.signing_key.public)


def request_of(heard: Heard, body: bytes | None = None) -> Any:
    fields = {
        f"HTTP_{name.upper().replace('-', '_')}": value for name, value in heard.headers.items()
    }
    sent = heard.body if body is None else body
    return RequestFactory().post("/anymail/postal/tracking/", sent, "application/json", **fields)


@pytest.mark.parametrize("event", PAYLOADS)
async def test_anymail_takes_the_events_of_postal(scene: Scene, event: str) -> None:
    payload, expected = PAYLOADS[event]
    body = {"event": event, "timestamp": 1477945177.13, "payload": payload, "uuid": "0fcd3ba5"}
    heard, _ = await scene.posted(WebhookFormat.POSTAL, postal=json.dumps(body).encode())
    told: list[Any] = []

    def note(event: Any, **_: Any) -> None:
        told.append(event)

    tracking.connect(note)
    try:
        taking = await view(scene)
        assert taking(request_of(heard)).status_code == 200
        (one,) = told
        assert (one.event_type, one.event_id) == (expected, "0fcd3ba5")
        assert (one.message_id, one.recipient, one.tags) == (12345, "test@example.com", ["welcome"])
    finally:
        tracking.disconnect(note)


async def test_anymail_takes_a_sample_and_nothing_that_was_changed(scene: Scene) -> None:
    given = {"url": scene.peer.url("/hook"), "format": WebhookFormat.POSTAL}
    webhook, _ = await scene.program[Webhooks].create(scene.server, given)
    assert (await scene.program[TryWebhook].send(scene.server, webhook)).code == 200
    heard, taking = scene.peer.requests[-1], await view(scene)
    assert taking(request_of(heard)).status_code == 200
    with pytest.raises(AnymailWebhookValidationFailure):
        taking(request_of(heard, heard.body.replace(b"Sent", b"Held")))


@pytest.mark.parametrize("shape", list(WebhookFormat))
async def test_standardwebhooks_verifies_both_formats(scene: Scene, shape: WebhookFormat) -> None:
    heard, secret = await scene.posted(shape)
    verified = standardwebhooks.Webhook(secret).verify(heard.body, heard.headers)
    assert heard.headers["webhook-id"] in (verified.get("id"), verified.get("uuid"))
    assert heard.line == "POST /hook HTTP/1.1"
    assert heard.headers["content-type"] == "application/json"
    assert heard.headers["user-agent"].startswith("Posthorn/")
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        standardwebhooks.Webhook(secret).verify(heard.body + b" ", heard.headers)


async def test_both_secrets_verify_after_a_rotation(scene: Scene) -> None:
    webhook, first = await scene.program[Webhooks].create(
        scene.server, {"url": scene.peer.url("/"), "secret": "whsec_" + "A" * 32}
    )
    assert first == "whsec_" + "A" * 32
    rotated, second = await scene.program[Webhooks].rotate(webhook)
    await scene.program[TryWebhook].send(scene.server, rotated)
    heard = scene.peer.requests[-1]
    for secret in (first, second):
        standardwebhooks.Webhook(secret).verify(heard.body, heard.headers)
