"""What a failed attempt at an HTTP endpoint is put down to."""

from __future__ import annotations

import pytest

from chalicelib.domain.http_exchange import HttpAnswer, NoAnswer, Timings
from chalicelib.domain.incoming.causes import COUNTED
from chalicelib.domain.incoming.http_outcome import cause_of

FOUND = Timings(dns=0.01)


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        (200, ""),
        (299, ""),
        (NoAnswer.TIMED_OUT, "no_answer"),
        (NoAnswer.NOT_CONNECTED, "connection"),
        (NoAnswer.NO_TLS, "tls_required"),
        (NoAnswer.BLOCKED, "policy"),
        (302, "policy"),
        (400, "policy"),
        (404, "policy"),
        (408, "transient"),
        (410, "policy"),
        (413, "message_too_large"),
        (425, "transient"),
        (429, "rate_limited"),
        (500, "transient"),
        (503, "transient"),
        (600, "policy"),
    ],
)
def test_each_failure_has_a_cause_that_is_not_the_recipient(code: int, cause: str) -> None:
    assert cause_of(HttpAnswer(code, timings=FOUND)) == cause
    assert cause not in COUNTED


def test_a_host_that_is_not_found_is_a_failure_of_dns() -> None:
    assert cause_of(HttpAnswer(NoAnswer.NOT_CONNECTED)) == "dns_failure"
    assert cause_of(HttpAnswer(NoAnswer.TIMED_OUT)) == "no_answer"
