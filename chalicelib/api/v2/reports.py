"""Bounces, delays, complaints and automatic replies with API v2 (api.md 2.12)."""

from __future__ import annotations

from chalicelib.api.v2.admission import Call
from chalicelib.api.v2.listing import read_cursor, render_cursor
from chalicelib.api.v2.report_models import LARGEST_ID, Report, ReportPage, ReportQuery
from chalicelib.api.v2.requests import invalid_at
from chalicelib.api.v2.route import route
from chalicelib.domain.errors import NotFound, Rejected
from chalicelib.domain.numbering import MessageId
from chalicelib.domain.report import ReportFilter
from chalicelib.ports.reports import Reports


async def list_reports(call: Call, query: ReportQuery) -> ReportPage:
    """List what came back about messages, newest first."""
    wanted = ReportFilter(
        kind=query.kind,
        cause=query.cause,
        email=None if query.email is None else MessageId(query.email),
        since=query.since.timestamp() if query.since else None,
        until=query.until.timestamp() if query.until else None,
    )
    try:
        page = await call.program[Reports].page(
            call.server.id, wanted, query.limit, await read_cursor(call, query)
        )
    except Rejected as error:
        raise invalid_at("/cursor", "cursor", "was not given out for this list") from error
    return ReportPage(
        data=[Report.model_validate(one) for one in page.values],
        has_more=page.next_cursor is not None,
        next_cursor=await render_cursor(call, query, page.next_cursor),
    )


async def show_report(call: Call) -> Report:
    """Show one report."""
    name = call.request.path_values["id"]
    if not (name.isascii() and name.isdigit() and len(name) <= 10 and int(name) <= LARGEST_ID):
        raise NotFound("There is no such report")
    return Report.model_validate(await call.program[Reports].get(call.server.id, int(name)))


ROUTES = (
    route("GET /reports", list_reports, ReportPage, query=ReportQuery, scope="emails:read"),
    route("GET /reports/{id}", show_report, Report, scope="emails:read"),
)
