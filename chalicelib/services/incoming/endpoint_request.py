"""The request that an HTTP endpoint gets for a message: body in its format and encoding, signatures, basic auth.

Bodies are made in a thread, since those of large messages take long. One request, on a connection of its own; what its
answer means is `http_endpoint`'s.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from chalicelib import VERSION
from chalicelib.domain.file_link import FileLink
from chalicelib.domain.http_exchange import HttpAnswer, HttpRequest, NoAnswer
from chalicelib.domain.http_url import read_url
from chalicelib.domain.incoming import postal_payload, v2_payload
from chalicelib.domain.mail.content import Attachment, Content
from chalicelib.domain.mail.mime import decode_part
from chalicelib.domain.model import MessageRecord
from chalicelib.domain.tenancy.endpoints import Endpoint, PayloadEncoding, PayloadFormat
from chalicelib.domain.tenancy.routes import Route
from chalicelib.domain.tenancy.servers import Server
from chalicelib.ports.clock import Clock
from chalicelib.ports.http_client import HttpClient
from chalicelib.services.file_links import FileLinks
from chalicelib.services.gather import gather
from chalicelib.services.tenancy.receiver_secrets import ReceiverSecrets
from chalicelib.services.tenancy.request_signatures import RequestSignatures

AT_A_TIME = 8  # attachments


@dataclass(frozen=True, slots=True)
class Posting:
    """What is posted: a message with the fields in front that inspection calls for (`content`), and as it is stored;
    with `stored` empty it is stored nowhere, and gets no address."""

    record: MessageRecord
    server: Server
    route: Route | None
    content: bytes
    stored: bytes = b""


class EndpointRequest:
    """Makes and sends requests to HTTP endpoints."""

    def __init__(
        self,
        clock: Clock,
        client: HttpClient,
        secrets: ReceiverSecrets,
        signatures: RequestSignatures,
        links: FileLinks,
    ) -> None:
        self._clock = clock
        self._client = client
        self._secrets = secrets
        self._signatures = signatures
        self._links = links

    async def send(self, posting: Posting, endpoint: Endpoint, seconds: float) -> HttpAnswer:
        """The endpoint's answer, within so many seconds from when the body is made. TemporaryFailure when vault or
        store are away."""
        url = read_url(endpoint.url)
        if url is None:
            return HttpAnswer(NoAnswer.NOT_CONNECTED, error="The URL of the endpoint is none")
        url = replace(url, user_info=await self._secrets.user_info(endpoint))
        body = await self._body(posting, endpoint)
        id = v2_payload.event_id(posting.record.message, endpoint.id)
        secrets = await self._secrets.signing(endpoint)
        signed = await self._signatures.fields(body, id, int(self._clock.now()), secrets)
        is_form = _is_form(endpoint)
        content_type = postal_payload.FORM_TYPE if is_form else postal_payload.JSON_TYPE
        fields = (
            ("User-Agent", f"Posthorn/{VERSION}"),
            ("Accept", "*/*"),
            ("Content-Type", content_type),
            *signed,
        )
        return await self._client.send(HttpRequest(url, fields, body, seconds))

    async def _body(self, posting: Posting, endpoint: Endpoint) -> bytes:
        if endpoint.format is PayloadFormat.V2:
            return await self._v2_body(posting, endpoint)
        return await asyncio.to_thread(_postal_body, posting, endpoint)

    async def _v2_body(self, posting: Posting, endpoint: Endpoint) -> bytes:
        content = await asyncio.to_thread(v2_payload.read_incoming, posting.content)
        links: dict[int, FileLink] = {}
        raw: FileLink | None = None
        if posting.stored:
            raw = await self._links.message(posting.record.message, posting.stored)
            if endpoint.include_attachments:
                links = await self._attachments(posting, v2_payload.by_link(content))
        return await asyncio.to_thread(_v2_body, posting, endpoint, content, links, raw)

    async def _attachments(
        self, posting: Posting, attachments: tuple[Attachment, ...]
    ) -> dict[int, FileLink]:
        found: dict[int, FileLink] = {}
        for at in range(0, len(attachments), AT_A_TIME):
            some = attachments[at : at + AT_A_TIME]
            links = await gather(self._attachment(posting, one) for one in some)
            found |= {one.index: link for one, link in zip(some, links, strict=True)}
        return found

    async def _attachment(self, posting: Posting, one: Attachment) -> FileLink:
        data = decode_part(posting.content, one.part)
        return await self._links.attachment(posting.record.message, one.index, one.file_name, data)


def _is_form(endpoint: Endpoint) -> bool:
    return endpoint.format is not PayloadFormat.V2 and endpoint.encoding is PayloadEncoding.FORM


def _postal_body(posting: Posting, endpoint: Endpoint) -> bytes:
    is_form = _is_form(endpoint)
    if endpoint.format is PayloadFormat.RAW_MESSAGE:
        payload = postal_payload.raw_payload(posting.record, posting.content)
    else:
        payload = postal_payload.hash_payload(
            posting.record,
            posting.content,
            strip_replies=endpoint.strip_replies,
            attachments=endpoint.include_attachments,
            flat=is_form,
        )
    return postal_payload.form_body(payload) if is_form else postal_payload.json_body(payload)


def _lacks_some(content: Content, links: dict[int, FileLink]) -> bool:
    """Whether attachments stand behind those with a link."""
    return bool(links) and max(links) + 1 < len(content.attachments)


def _v2_body(
    posting: Posting,
    endpoint: Endpoint,
    content: Content,
    links: dict[int, FileLink],
    raw: FileLink | None,
) -> bytes:
    record = posting.record
    data = {
        **v2_payload.message_objects(content, record),
        "attachments": v2_payload.attachment_objects(
            posting.content, content.attachments, links, with_content=endpoint.include_attachments
        ),
        "raw": {"size": record.message.size, **v2_payload.link_object(raw)},
        **v2_payload.inspection_objects(record.inspection),
        "truncated": content.truncated or _lacks_some(content, links),
    }
    id = v2_payload.event_id(record.message, endpoint.id)
    event = v2_payload.incoming_event(record, posting.server, posting.route, id, data)
    return postal_payload.json_body(event)
