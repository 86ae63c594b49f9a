"""What was said in an attempt at a message, with API v2 (api.md 2.10)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from chalicelib.api.v2.admission import Call
from chalicelib.api.v2.emails import record_of
from chalicelib.api.v2.objects import Answer
from chalicelib.api.v2.route import route
from chalicelib.domain.errors import NotFound
from chalicelib.domain.transcript import LONGEST_LINE, MOST_LINES
from chalicelib.services.messages.history import MessageHistory

LARGEST_ID = 2**63 - 1


class SaidLine(Answer):
    """One line of a command or a reply."""

    ms: Annotated[int, Field(description="Milliseconds since the host was turned to.")]
    speaker: Annotated[Literal["us", "them"], Field(alias="from")]
    text: Annotated[
        str,
        Field(
            max_length=LONGEST_LINE,
            description="Of content only how long it was; secrets are `***`.",
        ),
    ]


class Conversation(Answer):
    """What was said with the host that decided an attempt, or the last that was tried. A session that earlier messages
    used begins with MAIL."""

    host: str
    address: str
    source: Annotated[str | None, Field(description="Where we spoke from.")]
    tls: Annotated[str | None, Field(description="TLS version and cipher.")]
    data: list[SaidLine] = Field(max_length=MOST_LINES)
    truncated: Annotated[
        bool, Field(description="Lines in the middle, or ends of lines, are left out.")
    ]


async def show_conversation(call: Call) -> Conversation:
    """Show what was said in an attempt, for as long as content is kept."""
    record = await record_of(call)
    name = call.value("delivery")
    if not (name.isascii() and name.isdigit() and len(name) <= len(str(LARGEST_ID))):
        raise NotFound("There is no such delivery")
    found = await call.program[MessageHistory].conversation(record, int(name))
    return Conversation.model_validate(
        {
            "host": found.host,
            "address": found.address,
            "source": found.source,
            "tls": found.tls,
            "data": [{"ms": one.ms, "from": one.speaker, "text": one.text} for one in found.lines],
            "truncated": found.truncated,
        }
    )


ROUTES = (
    route(
        "GET /emails/{id}/deliveries/{delivery}/conversation",
        show_conversation,
        Conversation,
        scope="emails:read",
    ),
)
