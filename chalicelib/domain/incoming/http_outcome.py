"""What an HTTP endpoint's answer means, by the format that it is posted to (api.md 2.8, contract section 5A)."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.domain.http_exchange import HttpAnswer, NoAnswer
from chalicelib.domain.incoming.causes import TRANSIENT
from chalicelib.domain.retry_after import retry_after
from chalicelib.domain.smtp.classify import Verdict
from chalicelib.domain.tenancy.endpoints import PayloadFormat

_COME_AGAIN = frozenset({408, 425, 429})
_GONE, _TOO_MANY, _UNAVAILABLE = 410, 429, 503
REFUSED = "policy"
CAUSES = {
    NoAnswer.TIMED_OUT: "no_answer",
    NoAnswer.NOT_CONNECTED: "connection",
    NoAnswer.NO_TLS: "tls_required",
    NoAnswer.BLOCKED: REFUSED,
    408: TRANSIENT,
    413: "message_too_large",
    425: TRANSIENT,
    429: "rate_limited",
}
"""The causes of answers with these codes (api.md 2.12); of others 5xx is TRANSIENT, and what is left is REFUSED."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """`bounces`: a failure for good is told to the sender. `disables`: nothing more is to be posted. `retry_after`: the
    least seconds until the next attempt."""

    verdict: Verdict
    bounces: bool = True
    disables: bool = False
    retry_after: int = 0


def outcome_of(answer: HttpAnswer, shape: PayloadFormat, now: float) -> Outcome:
    """The outcome of an attempt that ended at `now`."""
    code = answer.code
    if 200 <= code < 300:
        return Outcome(Verdict.SENT)
    if code < 0 or 500 <= code < 600:
        return Outcome(Verdict.SOFT, retry_after=_wait(answer, shape, now))
    if shape is not PayloadFormat.V2:
        return Outcome(Verdict.HARD, bounces=code != _TOO_MANY)
    if code in _COME_AGAIN:
        return Outcome(Verdict.SOFT, retry_after=_wait(answer, shape, now))
    is_gone = code == _GONE
    return Outcome(Verdict.HARD, bounces=not is_gone, disables=is_gone)


def cause_of(answer: HttpAnswer) -> str:
    """Why an attempt failed; empty when it did not. A host that was not found has no time of the look-up."""
    code = answer.code
    if 200 <= code < 300:
        return ""
    if code == NoAnswer.NOT_CONNECTED and answer.timings.dns is None:
        return "dns_failure"
    return CAUSES.get(code, TRANSIENT if 500 <= code < 600 else REFUSED)


def _wait(answer: HttpAnswer, shape: PayloadFormat, now: float) -> int:
    if shape is not PayloadFormat.V2 or answer.code not in (_TOO_MANY, _UNAVAILABLE):
        return 0
    return retry_after(answer.header("retry-after"), now)
