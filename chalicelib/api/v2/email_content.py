"""What is in a message, with API v2: its fields, texts and attachments (api.md 2.10).

Hostile content never fails a request: what is shown is bounded, and `truncated` says that there is more. Attachments
are handed out as files alone, in a type that no browser shows.
"""

from __future__ import annotations

import asyncio
import re
from typing import Annotated

from pydantic import Field

from chalicelib.api.http import BINARY, LARGEST_ANSWER, HttpAnswer, takes_bytes
from chalicelib.api.json_body import LARGEST_STRING, render_json
from chalicelib.api.v2.admission import Call
from chalicelib.api.v2.emails import (
    LINK_SECONDS,
    NO_CONTENT,
    elsewhere,
    record_of,
)
from chalicelib.api.v2.objects import Answer, as_json
from chalicelib.api.v2.route import route
from chalicelib.domain.errors import NotFound
from chalicelib.domain.file_link import disposition
from chalicelib.domain.mail.content import MOST_TEXT, Attachment, Content, read_content
from chalicelib.domain.mail.mime import decode_part
from chalicelib.domain.mail.replies import split_reply
from chalicelib.domain.model import MessageRecord
from chalicelib.services.file_links import FileLinks
from chalicelib.services.messages.history import MessageHistory

SURELY_FITS = LARGEST_STRING // 16
"""Bytes of a message whose content fits into any answer, whatever escapes it needs."""
LEAST_TEXT = 64 * 1024

_NUMBER = re.compile(r"0|[1-9][0-9]{0,4}")


class ShownField(Answer):
    """A header field, unfolded and decoded."""

    name: str
    value: str


class ShownAttachment(Answer):
    """A part that is no body."""

    index: Annotated[int, Field(description="Its number in the path of its bytes.")]
    filename: str | None
    content_type: Annotated[str, Field(description="Without parameters.")]
    content_id: Annotated[str | None, Field(description="Without brackets.")]
    size: Annotated[int, Field(description="Bytes, decoded.")]
    sha256: Annotated[str, Field(description="Of the decoded bytes, in hex.")]


class EmailContent(Answer):
    """What is in a message. Text parts that are no attachments are joined; lines end with LF."""

    headers: Annotated[list[ShownField], Field(description="In order, ours included.")]
    text: str | None
    html: Annotated[str | None, Field(description="As it came: hostile.")]
    reply_text: Annotated[str | None, Field(description="The text without what it quotes.")]
    quoted_text: Annotated[str | None, Field(description="Null when nothing was quoted.")]
    attachments: list[ShownAttachment]
    truncated: Annotated[bool, Field(description="There is more than is shown.")]


async def show_content(call: Call) -> EmailContent:
    """Show what is in one message: fields, texts, attachments."""
    record = await record_of(call)
    content = await _bytes_of(call, record)
    most = MOST_TEXT
    while True:
        shown = _shown(await asyncio.to_thread(read_content, content, most))
        if len(content) < SURELY_FITS or most < LEAST_TEXT or _fits(shown):
            return shown
        most //= 4


async def show_attachment(call: Call) -> HttpAnswer:
    """The bytes of one attachment, as a file.

    When they are too many for an answer, it says where they are; so it does to a client that does not accept
    application/octet-stream first, to whom the gateway hands out no bytes.
    """
    record = await record_of(call)
    content = await _bytes_of(call, record)
    found = await asyncio.to_thread(read_content, content, 0)
    name = call.value("index")
    index = int(name) if _NUMBER.fullmatch(name) else -1
    if not 0 <= index < len(found.attachments):
        raise NotFound("There is no such attachment")
    attachment = found.attachments[index]
    data = decode_part(content, attachment.part)
    accepted = call.request.headers.get("accept", "")
    passes = len(data) <= LARGEST_ANSWER and takes_bytes(accepted)
    if not passes and not call.request.is_in_process:
        links = call.program[FileLinks]
        link = await links.attachment(
            record.message, index, attachment.file_name, data, LINK_SECONDS
        )
        return elsewhere(link.url)
    return HttpAnswer(200, data, _as_file(attachment))


def _as_file(attachment: Attachment) -> dict[str, str]:
    """Headers with which no browser shows it, and its name."""
    return {
        "Content-Type": BINARY,
        "Content-Disposition": disposition(attachment.file_name),
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-store",
    }


async def _bytes_of(call: Call, record: MessageRecord) -> bytes:
    """ContentRefused, NotFound."""
    call.caller.require_content()
    content = await call.program[MessageHistory].content(record)
    if content is None:
        raise NotFound(NO_CONTENT)
    return content


def _shown(content: Content) -> EmailContent:
    reply, quoted = (None, None) if content.text is None else split_reply(content.text)
    return EmailContent(
        headers=[ShownField.model_validate(one) for one in content.fields],
        text=content.text,
        html=content.html,
        reply_text=None if reply is None else f"{reply}\n",
        quoted_text=None if quoted is None else f"{quoted}\n",
        attachments=[ShownAttachment.model_validate(one) for one in content.attachments],
        truncated=content.truncated,
    )


def _fits(shown: EmailContent) -> bool:
    """Whether Lambda can hand it over, which escapes each quote and backslash once more."""
    text = render_json(as_json(shown))
    return len(text) + text.count('"') + text.count("\\") <= LARGEST_STRING


ROUTES = (
    route("GET /emails/{id}/content", show_content, EmailContent, scope="emails:read"),
    route(
        "GET /emails/{id}/attachments/{index}",
        show_attachment,
        BINARY,
        scope="emails:read",
        reads_itself=True,
        elsewhere="The attachment is too large for an answer, or Accept does not begin with application/octet-stream."
        " Its bytes can be fetched for five minutes at the URL in"
        " Location by whoever has that URL, without a key.",
    ),
)
