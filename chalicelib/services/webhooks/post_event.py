"""One request to a webhook: its fields, its signatures, and what is kept of the answer (api.md 2.17)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from chalicelib import VERSION
from chalicelib.domain.http_exchange import HttpAnswer, HttpRequest, NoAnswer
from chalicelib.domain.http_url import read_url
from chalicelib.domain.retry_after import retry_after
from chalicelib.domain.tenancy.webhooks import Webhook
from chalicelib.domain.webhooks.delivery import (
    LONGEST_RESPONSE,
    WebhookAttempt,
    WebhookDelivery,
    headers_kept,
)
from chalicelib.ports.clock import Clock
from chalicelib.ports.http_client import HttpClient
from chalicelib.services.tenancy.receiver_secrets import ReceiverSecrets
from chalicelib.services.tenancy.receiver_url import same_place
from chalicelib.services.tenancy.request_signatures import RequestSignatures


@dataclass(frozen=True, slots=True)
class Sender:
    """A webhook with what is opened of it, for as many requests as one turn makes."""

    webhook: Webhook
    secrets: tuple[bytes, ...]
    user_info: str


@dataclass(frozen=True, slots=True)
class Posted:
    """An attempt, and for how many seconds its answer asks to be left alone."""

    attempt: WebhookAttempt
    asked: int


class PostEvent:
    """Makes and sends requests to webhooks."""

    def __init__(
        self,
        clock: Clock,
        client: HttpClient,
        secrets: ReceiverSecrets,
        signatures: RequestSignatures,
    ) -> None:
        self._clock = clock
        self._client = client
        self._secrets = secrets
        self._signatures = signatures

    async def sender(self, webhook: Webhook) -> Sender:
        """What requests of this webhook need; TemporaryFailure when the vault is away."""
        return Sender(
            webhook,
            tuple(await self._secrets.signing(webhook)),
            await self._secrets.user_info(webhook),
        )

    async def send(self, sender: Sender, delivery: WebhookDelivery, seconds: float) -> Posted:
        """One attempt, within so many seconds; a replay where one is asked for. TemporaryFailure, before anything was
        sent, when store or vault are away."""
        at, replay = self._clock.now(), delivery.replay
        signed = await self._signatures.fields(
            delivery.payload, delivery.event_id, int(at), sender.secrets
        )
        fields = (
            ("User-Agent", f"Posthorn/{VERSION}"),
            ("Accept", "*/*"),
            ("Content-Type", "application/json"),
            *signed,
        )
        answer = await self._answer(sender, delivery, fields, seconds)
        attempt = WebhookAttempt(
            at=at,
            code=int(answer.code),
            seconds=round(answer.seconds, 3),
            response=answer.body.decode("utf-8", "replace")[:LONGEST_RESPONSE],
            error=answer.error,
            replay=replay is not None,
            timings=answer.timings,
            request_headers=headers_kept(fields),
            response_headers=headers_kept(answer.headers),
            elsewhere=None if replay is None else replay.url,
        )
        return Posted(attempt, retry_after(answer.header("retry-after"), self._clock.now()))

    async def _answer(
        self,
        sender: Sender,
        delivery: WebhookDelivery,
        fields: tuple[tuple[str, str], ...],
        seconds: float,
    ) -> HttpAnswer:
        replay = delivery.replay
        elsewhere = None if replay is None else replay.url
        url = read_url(elsewhere or delivery.url)
        if url is None:
            return HttpAnswer(NoAnswer.NOT_CONNECTED, error="The URL of the webhook is none")
        if elsewhere is not None:
            url = replace(url, user_info=await self._info_elsewhere(sender.webhook, delivery))
        elif same_place(delivery.url, sender.webhook.url):
            url = replace(url, user_info=sender.user_info)
        return await self._client.send(HttpRequest(url, fields, delivery.payload, seconds))

    async def _info_elsewhere(self, webhook: Webhook, delivery: WebhookDelivery) -> str:
        sealed = None if delivery.replay is None else delivery.replay.sealed_user_info
        return await self._secrets.user_info(replace(webhook, sealed_user_info=sealed))
