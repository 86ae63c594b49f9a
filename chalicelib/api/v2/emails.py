"""Looking at messages with API v2: lists, one message, its bytes and its log."""

from __future__ import annotations

from chalicelib.api.http import BINARY, LARGEST_ANSWER, HttpAnswer, MailProgram, takes_bytes
from chalicelib.api.json_body import fits_an_answer
from chalicelib.api.v2.admission import Call
from chalicelib.api.v2.delivery_models import DeliveryLog
from chalicelib.api.v2.email_shown import found_in, shown
from chalicelib.api.v2.listing import read_cursor, render_cursor
from chalicelib.api.v2.mail_filters import filter_of, searching
from chalicelib.api.v2.models import Email, EmailPage, EmailQuery, EmailWithActivity
from chalicelib.api.v2.problems import NotAcceptable
from chalicelib.api.v2.requests import invalid_at
from chalicelib.domain.errors import NotFound, Rejected
from chalicelib.domain.model import MessageRecord, Scope
from chalicelib.ports.reports import Reports
from chalicelib.services.file_links import FileLinks
from chalicelib.services.messages.explain_wait import ExplainWait
from chalicelib.services.messages.find import FindMail
from chalicelib.services.messages.history import MessageHistory

LINK_SECONDS = 300
NO_CONTENT = "The bytes of this message are no longer kept"


async def list_emails(call: Call, query: EmailQuery) -> EmailPage:
    """List messages, newest first, or search for them."""
    if query.to is not None and query.status is not None and query.q is None:
        raise invalid_at("/status", "not_with_to", "cannot be combined with to, but with q")
    if query.request is not None and {"q", "to", "status"} & query.model_fields_set:
        raise invalid_at("/request", "not_with_others", "cannot be combined with q, to or status")
    wanted = filter_of(call, query)
    async with searching(call, wanted):
        position = await read_cursor(call, query)
        try:
            page = await call.program[FindMail].page(call.server.id, wanted, query.limit, position)
        except Rejected as error:
            raise invalid_at("/cursor", "cursor", "was not given out for this list") from error
    return EmailPage.model_validate(
        {
            "data": [Email.model_validate(await shown(call, record)) for record in page.records],
            "has_more": page.position is not None,
            "next_cursor": await render_cursor(call, query, page.position),
            "searched_to": page.searched_to,
        }
    )


async def show_email(call: Call) -> EmailWithActivity:
    """Show one message and where it stands."""
    record = await record_of(call)
    activity = await call.program[MessageHistory].activity(record)
    reports = await call.program[Reports].of(call.server.id, record.message.id)
    waiting = await call.program[ExplainWait].of(call.server, record)
    told = await shown(
        call,
        record,
        wait=waiting.wait,
        most_tries=waiting.most_tries,
        gives_up_at=waiting.gives_up_at,
        opens=activity.opens,
        clicks=activity.clicks,
        **found_in(record, reports),
    )
    return EmailWithActivity.model_validate(told)


async def show_deliveries(call: Call) -> DeliveryLog:
    """The log of one message, oldest first."""
    log = await call.program[MessageHistory].deliveries(await record_of(call))
    return DeliveryLog.model_validate({"data": log})


async def show_raw(call: Call) -> HttpAnswer:
    """The bytes of one message as accepted; of an incoming one with what inspection found in front.

    When they are too many for an answer, it says where they are. UTF-8, which nearly all mail is, goes out as
    message/rfc822. Other bytes only survive the gateway as a binary type, and the gateway hands those out only to a
    client that accepts them first; whoever accepts them among others is told where they are.
    """
    record = await record_of(call)
    call.caller.require_content()
    is_bounded = not call.request.is_in_process
    if is_bounded and record.message.size > LARGEST_ANSWER:
        return await _link(call.program, record)
    content = await call.program[MessageHistory].content(record)
    if content is None:
        raise NotFound(NO_CONTENT)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        accepted = call.request.headers.get("accept", "")
        if BINARY not in accepted and "*/*" not in accepted:
            raise NotAcceptable(f"The message is not UTF-8; send Accept: {BINARY}") from error
        if is_bounded and not takes_bytes(accepted):
            return await _link(call.program, record)
        return HttpAnswer(200, content, {"Content-Type": BINARY})
    if is_bounded and not fits_an_answer(text):
        return await _link(call.program, record)
    return HttpAnswer(200, text, {"Content-Type": "message/rfc822"})


async def _link(program: MailProgram, record: MessageRecord) -> HttpAnswer:
    """A redirection to the bytes, which whoever has the link may fetch for a while."""
    url: str | None = None
    if record.message.scope is Scope.OUTGOING:
        try:
            url = await program[MessageHistory].link(record, LINK_SECONDS)
        except NotFound as error:
            raise NotFound(NO_CONTENT) from error
    if url is None:  # changed since it was stored, or stored among others
        content = await program[MessageHistory].content(record)
        if content is None:
            raise NotFound(NO_CONTENT)
        url = (await program[FileLinks].shown(record.message, content, LINK_SECONDS)).url
    return elsewhere(url)


def elsewhere(url: str) -> HttpAnswer:
    """A redirection to bytes, which only those may keep who asked."""
    return HttpAnswer(303, "", {"Location": url, "Cache-Control": "no-store"})


async def record_of(call: Call) -> MessageRecord:
    """The message that the path names by its number or token; NotFound."""
    name = call.request.path_values["id"]
    record = await call.program[MessageHistory].record_named(call.server.id, name)
    call.request.notes["message_id"] = record.message.id
    return record
