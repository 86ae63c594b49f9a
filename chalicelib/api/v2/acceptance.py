"""How an outgoing message came in and what it passed, as API v2 shows it (api.md 2.10)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from chalicelib.api.v2.objects import Answer
from chalicelib.domain.acceptance import Acceptance, CheckResult, Door, Passed, checks_of
from chalicelib.domain.model import MessageRecord, Scope


class CheckShown(Answer):
    """One check."""

    check: Annotated[
        str,
        Field(
            description="`sender`, `suppression`, `limit`, `spam`, `alignment` or `unsubscribe`; more may come. What no"
            " attempt came to yet is left out."
        ),
    ]
    result: CheckResult
    detail: Annotated[str, Field(description="For people.")]


class Accepted(Answer):
    """How a message came in, and what it passed."""

    by: Door
    credential: Annotated[str | None, Field(description="The id of what let it in.")]
    client: Annotated[
        str | None, Field(description="From where; null in the server's privacy mode.")
    ]
    tls: Annotated[bool | None, Field(description="Whether it came encrypted; null over HTTP.")]
    request_id: Annotated[
        str | None, Field(description="Of the request, or of the SMTP session, as logs name it.")
    ]
    checks: list[CheckShown]
    signed: Annotated[list[str], Field(description="Selectors of the keys that signed it.")]
    tracked_links: int


def accepted_of(record: MessageRecord) -> Accepted | None:
    """Of an outgoing message; None for one of an older release, or one that came in."""
    message = record.message
    came = Acceptance.parse(message.acceptance or "")
    if message.scope is not Scope.OUTGOING or came is None:
        return None
    passed = Passed.parse(record.checked)
    return Accepted(
        by=came.by,
        credential=message.origin.credential_id or None,
        client=came.client or None,
        tls=message.received_with_ssl if came.by is Door.SMTP else None,
        request_id=came.request_id or None,
        checks=[
            CheckShown(check=one.check, result=one.result, detail=one.detail)
            for one in checks_of(record)
        ],
        signed=[] if passed is None else list(passed.selectors),
        tracked_links=record.links or 0,
    )
