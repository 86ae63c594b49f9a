"""Suppressed recipients as API v2 shows and takes them (api.md 2.13)."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema

from chalicelib.api.v2.fields import End, Instant, Line, checked
from chalicelib.api.v2.objects import Answer, Body, ListAnswer, Moment, PageQuery, Request
from chalicelib.domain.mail.listed_address import listed_address
from chalicelib.domain.suppression import Reason, SuppressionScope

LONGEST_NOTE = 200
LONGEST_ADDRESS = 320
STREAM = r"^[a-z0-9-]{1,40}$"

Address = Annotated[
    str,
    Field(
        min_length=3,
        max_length=LONGEST_ADDRESS,
        description="An address, or `*@domain` for all of a domain.",
        examples=["bob@example.com", "*@example.com"],
    ),
    checked(listed_address),
]
StreamName = Annotated[str, Field(pattern=STREAM)]
Note = Annotated[Line, Field(max_length=LONGEST_NOTE)]


LAST = "9999-12-31T23:59:59Z"
# The last moment that there is stands for never, in stores as well.
EndOrNever = Annotated[
    End,
    BeforeValidator(lambda value: LAST if value == "never" else value),
    WithJsonSchema(
        {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "string", "const": "never"}]}
    ),
]


class Evidence(Answer):
    """The message and the report that say so."""

    email: int
    report: int | None


class Suppression(Answer):
    """A recipient that is not written to."""

    address: Annotated[str, Field(description="`*@domain`: all of a domain.")]
    scope: Annotated[SuppressionScope, Field(description="Whose mail it acts on.")]
    stream: str | None
    reason: Reason
    text: Annotated[str, Field(description="The words that its mail is held by.")]
    note: str | None
    evidence: Evidence | None
    created_by: str
    created_at: Moment
    expires_at: Annotated[Moment | None, Field(description="Null: never.")]


class SuppressionPage(ListAnswer):
    """Entries, newest first."""

    data: list[Suppression]


class SuppressionQuery(PageQuery):
    """Which entries."""

    address: Annotated[str | None, Field(max_length=LONGEST_ADDRESS)] = None
    reason: Reason | None = None
    scope: SuppressionScope | None = None
    stream: Annotated[str | None, Field(max_length=500)] = None
    since: Instant | None = None
    until: Instant | None = None


class OneSuppressionQuery(Request):
    """Which entry of an address."""

    scope: SuppressionScope | None = None
    stream: Annotated[str | None, Field(max_length=500)] = None


class SuppressionToRemove(OneSuppressionQuery):
    """Which entry of an address goes: without scope and stream the server's, or the organization's."""

    note: Annotated[Note | None, Field(description="Why, for the audit log.")] = None


class SuppressionToAdd(Body):
    """A recipient that is not to be written to any more."""

    address: Address
    scope: Annotated[SuppressionScope | None, Field(description="By default the tenant's.")] = None
    stream: Annotated[
        StreamName | None, Field(description="With the scope `stream` alone, and then needed.")
    ] = None
    reason: Reason = Reason.MANUAL
    note: Note | None = None
    expires_at: Annotated[
        EndOrNever | None,
        Field(description="A time, or `never`; by default as `suppression_days` of the reason."),
    ] = None


class SuppressionCounts(Answer):
    """How many entries there are, by reason."""

    hard_fails: int
    soft_fails: int
    bounce: int
    complaint: int
    unsubscribe: int
    manual: int
