"""The magic local parts of the inbox: `anything+550@any.domain` makes its server misbehave as the suffix says.

Pure: what to do for a recipient, as a value. The texts of the replies are made up, their codes are not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

GREYLIST_SECONDS = 60
SLOW_SECONDS = 2.0
_CODE = re.compile(r"(data-)?([45][0-9]{2})", re.ASCII)
_TEXTS = {
    "421": "4.3.2 Service not available",
    "450": "4.2.1 Mailbox busy",
    "451": "4.3.0 Local error in processing",
    "452": "4.2.2 Mailbox full",
    "550": "5.1.1 No such mailbox here",
    "552": "5.2.2 Mailbox full for good",
    "554": "5.7.1 Refused",
}


class Trick(StrEnum):
    """What happens to a recipient."""

    NONE = ""
    REFUSE = "refuse"  # a 4xx or 5xx reply to RCPT
    REFUSE_DATA = "refuse-data"  # a 4xx or 5xx reply to the final dot
    TIMEOUT = "timeout"  # no reply to RCPT, ever
    DROP_DATA = "drop-data"  # the connection breaks in the middle of the content
    DROP_REPLY = (
        "drop-reply"  # the connection breaks after the final dot: taken or not, nobody knows
    )
    SLOW = "slow"  # the replies to RCPT and to the final dot take two seconds each
    GREYLIST = "greylist"  # 451 until a minute has passed
    BOUNCE_LATER = "bounce-later"  # accepted, then a delivery status notification comes back
    COMPLAIN = "complain"  # accepted, then an abuse report comes back


# Those that an address asks for by name.
SPELLED = tuple(t for t in Trick if t not in {Trick.NONE, Trick.REFUSE, Trick.REFUSE_DATA})


@dataclass(frozen=True, slots=True)
class Manner:
    """A trick, and the reply line that goes with the refusing ones."""

    trick: Trick
    reply: str = ""


def manner_of(address: str) -> Manner:
    """How the inbox treats this recipient; an unknown suffix is an ordinary address."""
    local = address.rpartition("@")[0].lower()
    suffix = local.rpartition("+")[2] if "+" in local else ""
    if code := _CODE.fullmatch(suffix):
        text = _TEXTS.get(code[2], f"{code[2][0]}.0.0 As you asked")
        return Manner(Trick.REFUSE_DATA if code[1] else Trick.REFUSE, f"{code[2]} {text}")
    if suffix == Trick.GREYLIST:
        text = f"Greylisted, please try again in {GREYLIST_SECONDS} seconds"
        return Manner(Trick.GREYLIST, f"451 4.7.1 {text}")
    return Manner(Trick(suffix) if suffix in SPELLED else Trick.NONE)
