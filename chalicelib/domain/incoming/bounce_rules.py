"""Who is told that incoming mail failed (api.md 2.10, RFC 3834): nobody who did not send it, and no machine."""

from __future__ import annotations

from chalicelib.domain.incoming.checks import Facts
from chalicelib.domain.inspection import Authentication
from chalicelib.domain.mail.headers import Headers
from chalicelib.domain.model import MessageRecord

_BULK = frozenset({"bulk", "list", "junk"})


def may_be_told(record: MessageRecord, facts: Facts, headers: Headers) -> bool:
    """Whether the sender of a message may be sent a bounce if it is who the envelope says, for which see `is_forged`;
    `headers` are those of the message."""
    message = record.message
    return not (
        not message.mail_from
        or message.bounce
        or record.bounced_as is not None
        or record.replay is not None
        or record.way.additional
        or not facts.server.bounce_incoming
        or (message.dsn is not None and message.dsn.asks_for_failures is False)
        or _is_by_a_machine(headers)
    )


def is_forged(found: Authentication) -> bool:
    """Whether the sender is likely not who the envelope says."""
    if found.dmarc.result == "pass":
        return False
    return found.spf.result in ("fail", "softfail") or found.dmarc.result == "fail"


def _is_by_a_machine(headers: Headers) -> bool:
    for text in headers.plain_texts("Auto-Submitted"):
        if text.partition(";")[0].partition("(")[0].strip().lower() != "no":
            return True
    return any(text.strip().lower() in _BULK for text in headers.plain_texts("Precedence"))
