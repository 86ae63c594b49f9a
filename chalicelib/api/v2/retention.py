"""What the next run of the retention would remove of a server (api.md 2.5)."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from pydantic import Field, WrapValidator

from chalicelib.api.v2.admission import Call
from chalicelib.api.v2.objects import Answer, Request
from chalicelib.api.v2.route import route
from chalicelib.api.v2.server_models import ContentDays, ContentSize, Days, without_words
from chalicelib.domain.retention import Retention, Spared
from chalicelib.services.retention.preview import PreviewRetention


def _number(value: Any, read: Any) -> Any:
    """What stands in a query is text."""
    return read(int(value) if isinstance(value, str) and _is_number(value) else value)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 10


class RetentionQuery(Request):
    """Other settings than the server's."""

    message_retention_days: Annotated[Days, WrapValidator(_number)] | None = Field(
        None, description="Instead of the server's."
    )
    raw_message_retention_days: Annotated[ContentDays, WrapValidator(_number)] | None = Field(
        None, description="Instead of the server's."
    )
    raw_message_retention_size: Annotated[ContentSize, WrapValidator(_number)] | None = Field(
        None, description="Instead of the server's."
    )


class SparedMessages(Answer):
    """Messages that are old enough, and stay as they are."""

    held: int
    waiting: int
    scheduled: int


class RetentionPreview(Answer):
    """What the next run would remove. At most 20,000 messages of a day are looked at."""

    messages: Annotated[int, Field(description="Messages, with deliveries and reports.")]
    contents: Annotated[int, Field(description="Bodies; several messages may share one.")]
    bytes: Annotated[int, Field(description="Of these bodies.")]
    spared: SparedMessages


async def show_retention(call: Call, query: RetentionQuery) -> RetentionPreview:
    """Show what the next run of the retention would remove, by the server's settings or others. Nothing is done."""
    given = {name: getattr(query, name) for name in query.model_fields_set}
    wanted = without_words({name: one for name, one in given.items() if one is not None})
    rules = Retention.of(replace(call.server, **wanted))
    found = await call.program[PreviewRetention].run(call.server.id, rules)
    spared = {reason.value: found.spared.get(reason, 0) for reason in Spared}
    return RetentionPreview.model_validate(
        {
            "messages": found.messages,
            "contents": found.contents,
            "bytes": found.bytes,
            "spared": spared,
        }
    )


ROUTES = (
    route(
        "GET /servers/{organization}/{server}/retention",
        show_retention,
        RetentionPreview,
        query=RetentionQuery,
        tenant="path",
        scope="servers:read",
    ),
)
