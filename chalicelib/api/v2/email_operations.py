"""What is done with one message by hand, with API v2 (api.md 2.11)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated

from pydantic import Field, StrictBool

from chalicelib.api.v2.admission import Call
from chalicelib.api.v2.emails import record_of, show_email
from chalicelib.api.v2.fields import Line
from chalicelib.api.v2.models import AcceptedEmail, EmailWithActivity
from chalicelib.api.v2.objects import Body
from chalicelib.api.v2.route import route
from chalicelib.domain.model import MessageRecord
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.tenancy.scopes import INSTALLATION_WRITE
from chalicelib.services.incoming.by_hand import IncomingByHand
from chalicelib.services.outgoing.resend import ResendMail
from chalicelib.services.queue.allow_recipient import AllowRecipient
from chalicelib.services.queue.message_actions import MessageActions

LONGEST_NOTE = 500
Verb = Callable[[ServerId, MessageId], Awaitable[MessageRecord]]


class Release(Body):
    """How a held message is released."""

    allow: Annotated[
        StrictBool,
        Field(
            description="Take its recipient off all suppression lists first: `suppressions:write`."
        ),
    ] = False
    note: Annotated[Line | None, Field(max_length=LONGEST_NOTE, description="Why.")] = None


class Replay(Body):
    """Where a received message goes."""

    endpoint: Annotated[
        str | None, Field(max_length=32, description="To this endpoint, whatever routes say.")
    ] = None


async def hold_email(call: Call) -> EmailWithActivity:
    """Hold a waiting message until somebody looks at it, or for 7 days."""
    return await _done(call, call.program[MessageActions].hold)


async def release_email(call: Call, wanted: Release) -> EmailWithActivity:
    """Send a held message now, past all that held it but a send limit; past a rate for operators alone."""
    if wanted.allow:
        call.caller.require("suppressions:write")
    known = (await record_of(call)).message
    if wanted.allow and await call.program[AllowRecipient].needs_organization(known):
        call.caller.require_whole_organization()
    actions = call.program[MessageActions]
    await actions.release(
        known.server_id,
        known.id,
        allow=wanted.allow,
        note=wanted.note,
        by_operator=_is_operator(call),
    )
    return await show_email(call)


async def cancel_email(call: Call) -> EmailWithActivity:
    """End a held or waiting message without sending it."""
    return await _done(call, call.program[MessageActions].cancel)


async def retry_email(call: Call) -> EmailWithActivity:
    """Try a waiting, held or failed message again now."""
    retry = partial(call.program[MessageActions].retry, by_operator=_is_operator(call))
    return await _done(call, retry)


async def bounce_email(call: Call) -> EmailWithActivity:
    """Give up a held or waiting message, as one that failed for good; the sender of a received one is told."""
    known = (await record_of(call)).message
    await call.program[IncomingByHand].bounce(call.server, known.id)
    return await show_email(call)


async def replay_email(call: Call, wanted: Replay) -> EmailWithActivity:
    """Route a received message and hand it on once more, or hand it to another endpoint."""
    known = (await record_of(call)).message
    if wanted.endpoint is not None:
        call.caller.require_content()
    await call.program[IncomingByHand].replay(call.server, known.id, wanted.endpoint)
    return await show_email(call)


async def resend_email(call: Call) -> AcceptedEmail:
    """Send the content of a message once more, as a new message to the same recipient."""
    known = (await record_of(call)).message
    made = await call.program[ResendMail].resend(call.principal, known.id)
    return AcceptedEmail.model_validate(
        {"id": made.id, "message_id": made.message_id or None, "emails": [made]}
    )


def _is_operator(call: Call) -> bool:
    return INSTALLATION_WRITE in call.caller.scopes


async def _done(call: Call, verb: Verb) -> EmailWithActivity:
    known = (await record_of(call)).message
    await verb(known.server_id, known.id)
    return await show_email(call)


_WRITE = "emails:write"
ROUTES = (
    route("POST /emails/{id}/hold", hold_email, EmailWithActivity, scope=_WRITE),
    route(
        "POST /emails/{id}/release",
        release_email,
        EmailWithActivity,
        body=Release,
        scope=_WRITE,
        sends=True,
    ),
    route("POST /emails/{id}/cancel", cancel_email, EmailWithActivity, scope=_WRITE),
    route(
        "POST /emails/{id}/retry",
        retry_email,
        EmailWithActivity,
        scope=_WRITE,
        sends=True,
    ),
    route("POST /emails/{id}/bounce", bounce_email, EmailWithActivity, scope=_WRITE),
    route(
        "POST /emails/{id}/replay",
        replay_email,
        EmailWithActivity,
        body=Replay,
        scope=_WRITE,
        sends=True,
    ),
    route(
        "POST /emails/{id}/resend",
        resend_email,
        AcceptedEmail,
        status=202,
        scope="emails:send",
    ),
)
