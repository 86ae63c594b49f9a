"""The suppression list with API v2, for reading (api.md 2.13)."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Literal
from urllib.parse import unquote

from pydantic import Field

from chalicelib.api.v2.admission import Call
from chalicelib.api.v2.fields import Instant
from chalicelib.api.v2.listing import page
from chalicelib.api.v2.objects import Answer, ListAnswer, Moment, PageQuery
from chalicelib.api.v2.route import route
from chalicelib.domain import suppression as domain
from chalicelib.domain.errors import NotFound
from chalicelib.domain.suppression import NEVER, Reason
from chalicelib.ports.clock import Clock
from chalicelib.ports.suppressions import SuppressionList

SYSTEM = "system"


class Evidence(Answer):
    """The message and the report that say so."""

    email: int
    report: int | None


class Suppression(Answer):
    """A recipient that is not written to."""

    address: str
    scope: Literal["server"]
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

    address: Annotated[str | None, Field(max_length=320)] = None
    reason: Reason | None = None
    since: Instant | None = None
    until: Instant | None = None


class SuppressionCounts(Answer):
    """How many entries there are, by reason."""

    hard_fails: int
    soft_fails: int
    bounce: int
    complaint: int
    unsubscribe: int
    manual: int


async def list_suppressions(call: Call, query: SuppressionQuery) -> SuppressionPage:
    """List the recipients that are not written to, newest first."""
    wanted = [one for one in await _all(call) if _passes(one, query)]
    newest = sorted(wanted, key=_position, reverse=True)
    return SuppressionPage(**await page(call, query, newest, _position, _shown))


async def count_suppressions(call: Call) -> SuppressionCounts:
    """Count the recipients that are not written to, by reason."""
    counted = Counter(Reason.of(one.reason) for one in await _all(call))
    return SuppressionCounts(**{reason.value: counted[reason] for reason in Reason})


async def show_suppression(call: Call) -> Suppression:
    """Show why a recipient is not written to."""
    pair = (call.server.id, unquote(call.request.path_values["address"]))
    now = call.program[Clock].now()
    found = (await call.program[SuppressionList].listed([pair], now)).get(pair)
    if found is None:
        raise NotFound("This address is not on the suppression list")
    return _shown(found)


async def _all(call: Call) -> list[domain.Suppression]:
    return await call.program[SuppressionList].all(call.server.id, call.program[Clock].now())


def _passes(one: domain.Suppression, query: SuppressionQuery) -> bool:
    return (
        (query.address is None or one.address.lower() == query.address.lower())
        and query.reason in (None, Reason.of(one.reason))
        and (query.since is None or one.at >= query.since.timestamp())
        and (query.until is None or one.at < query.until.timestamp())
    )


def _position(one: domain.Suppression) -> str:
    return f"{one.at:017.6f} {one.address.lower()}"


def _shown(one: domain.Suppression) -> Suppression:
    evidence = None if one.email is None else Evidence(email=one.email, report=one.report)
    return Suppression.model_validate(
        {
            "address": one.address,
            "scope": "server",
            "stream": None,
            "reason": Reason.of(one.reason),
            "text": one.reason,
            "note": None,
            "evidence": evidence,
            "created_by": SYSTEM,
            "created_at": one.at,
            "expires_at": None if one.keep_until >= NEVER else one.keep_until,
        }
    )


ROUTES = (
    route(
        "GET /suppressions",
        list_suppressions,
        SuppressionPage,
        query=SuppressionQuery,
        scope="suppressions:read",
    ),
    route(
        "GET /suppressions/counts",
        count_suppressions,
        SuppressionCounts,
        scope="suppressions:read",
    ),
    route(
        "GET /suppressions/{address}",
        show_suppression,
        Suppression,
        scope="suppressions:read",
    ),
)
