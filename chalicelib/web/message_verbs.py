"""What may be done with a message by hand, by where it stands, as pages offer it; the API decides.

Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chalicelib.web.flash import Flash

# What each verb of a page asks of the API, and what is said when it was done.
DONE = {
    "retry": "It is tried now",
    "hold": "It is held, for 7 days at most",
    "release": "It was released, and is tried now",
    "cancel": "It was cancelled, and is not sent",
    "bounce": "It was given up",
    "replay": "It is delivered again",
    "resend": "This is the new message",
    "reschedule": "Its time was changed",
}
NEEDS = {"resend": "emails:send"}
CONFIRMED = ("cancel", "resend", "bounce")
"""What a page says before, because it cannot be taken back."""


OF_OPERATORS = ("complaint_rate", "bounce_rate")
"""What holds mail so that only an operator can release it."""


def verbs_of(email: Mapping[str, Any], *, is_operator: bool = False) -> tuple[str, ...]:
    """The verbs that where it stands allows."""
    wait, incoming = email.get("wait"), email["direction"] == "incoming"
    if wait is None:
        return _ended(email, incoming=incoming)
    if wait["code"] == "in_progress":
        return ()
    given_up = ("bounce",) if incoming else ()
    if email["held"]:
        allow = ("allow",) if wait["code"] == "suppressed" else ()
        if wait["code"] in OF_OPERATORS and not is_operator:
            return ("cancel",)
        return (*allow, "release", *given_up, "cancel")
    if wait["code"] == "scheduled":
        return ("send_now", "reschedule", "hold", "cancel")
    return ("retry", "hold", *given_up, "cancel")


def _ended(email: Mapping[str, Any], *, incoming: bool) -> tuple[str, ...]:
    retry = ("retry",) if email["status"] in ("HardFail", "Bounced") else ()
    return (*retry, "replay" if incoming else "resend")


def right_of(verb: str) -> str:
    """The scope that a verb needs."""
    return NEEDS.get(verb, "emails:write")


def done(verb: str) -> Flash:
    """What is said when a verb was done."""
    return Flash(DONE[verb])
