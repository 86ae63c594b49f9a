"""What the end of a delivery attempt means, and the words it is recorded with (contract sections
4.16 and 4.19).

A reply is temporary unless it is a proven refusal: 4xx, 50x and 53x, and whatever cannot be
understood, are tried again (QUIRK-11 keeps 50x and 53x temporary, since clients' webhook streams
depend on it). The texts are wire facts. Nothing here decides when to try again; `retry_after_hint`
only reads what the remote asked for.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum

from chalicelib.domain.envelope import Target
from chalicelib.domain.reply import Reply

LONGEST_HINT = 24 * 3600
MARGIN = 10
FINAL_DOT = "."

_CODE = r"([245]\.[0-9]{1,3}\.[0-9]{1,3})(?![0-9]|\.[0-9])"
_AT_START = re.compile(r"^[ \t#:;,<(\[-]{0,8}" + _CODE, re.MULTILINE)
_IN_BRACKETS = re.compile(r"[(\[<][ #]{0,2}" + _CODE)
_WAIT = re.compile(r"(?<![0-9.])([0-9]{1,9}) (second|minute)s", re.IGNORECASE)


class Verdict(StrEnum):
    """How an attempt ended: delivered, to be tried again, or given up."""

    SENT = "Sent"
    SOFT = "SoftFail"
    HARD = "HardFail"


def classify(reply: Reply, stage: str = FINAL_DOT) -> Verdict:
    """The verdict on the deciding reply of a transaction (contract section 4.19).

    Only a 2xx to the final dot means Sent: the same code at an earlier stage is a server out of step.
    """
    if 200 <= reply.code < 300:
        return Verdict.SENT if stage == FINAL_DOT else Verdict.SOFT
    if 500 <= reply.code < 600 and reply.code // 10 not in (50, 53):
        return Verdict.HARD
    return Verdict.SOFT


def leaves_the_host(reply: Reply, stage: str) -> bool:
    """Whether the server left before it had the content: 421 speaks of the connection, so that another host may
    still take the message (RFC 5321 §3.8, contract section 4.16)."""
    return reply.code == 421 and stage != FINAL_DOT


def enhanced_code(reply: str) -> str:
    """The enhanced code in the text of a reply, `550 5.1.1 No such user`, and elsewhere in it; empty when there is
    none."""
    return _enhanced_in(reply[4:]) if reply[:3].isdigit() else ""


def _enhanced_in(text: str) -> str:
    """The enhanced code at the start of a line or in brackets, where no reader of replies would look."""
    found = _AT_START.search(text) or _IN_BRACKETS.search(text)
    return found[1] if found else ""


def retry_after_hint(text: str) -> int | None:
    """Seconds to wait when the remote says "{n} seconds" or "{n} minutes", with ten more; at most
    24 hours."""
    found = _WAIT.search(text)
    if found is None:
        return None
    unit = 60 if found[2].lower() == "minute" else 1
    return min(int(found[1]) * unit + MARGIN, LONGEST_HINT)


def place(target: Target) -> str:
    """`198.51.100.7:25 (mx.example.com)`; an IPv6 address stands in brackets."""
    address = f"[{target.address}]" if ":" in target.address else target.address
    return f"{address}:{target.port} ({target.host})"


def accepted_text(rcpt_to: str, remote: str, bound_source: str = "") -> str:
    """Details of a Sent delivery; `bound_source` is the local address when one was chosen."""
    tail = f" (from {bound_source})" if bound_source else ""
    return f"Message for {rcpt_to} accepted by {remote}{tail}"


def refused_text(verdict: Verdict, remote: str) -> str:
    """Details when the remote refused, for now or for good."""
    kind = "Permanent" if verdict is Verdict.HARD else "Temporary"
    return f"{kind} SMTP delivery error when sending to {remote}"


def interrupted_text(remote: str) -> str:
    """Details when the conversation broke."""
    return f"An error occurred while sending the message to {remote}"


def unreachable_text(domain: str, hosts: Sequence[str]) -> str:
    """Details when no host could be talked to; a host with several addresses is named once."""
    tried = list(dict.fromkeys(hosts))
    tail = f"Tried {sentence(tried)}." if tried else "No hosts to try."
    return f"No SMTP servers were available for {domain}. {tail}"


def sentence(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b, and c`."""
    if len(names) < 3:
        return " and ".join(names)
    return f"{', '.join(names[:-1])}, and {names[-1]}"
