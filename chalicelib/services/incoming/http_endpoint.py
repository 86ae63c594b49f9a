"""Handing an incoming message to an HTTP endpoint, and what its answer means (api.md 2.8, contract section 5A).

One attempt takes the endpoint's time-out at most and keeps 500 characters of what it says. An endpoint may get a
message more than once, each time under the same id.
"""

from __future__ import annotations

from chalicelib.domain.http_exchange import HttpAnswer
from chalicelib.domain.http_url import with_user_info
from chalicelib.domain.incoming.http_outcome import cause_of, outcome_of
from chalicelib.domain.smtp.attempt_result import AttemptResult
from chalicelib.domain.tenancy.endpoints import Endpoint
from chalicelib.ports.clock import Clock
from chalicelib.services.incoming.attempt import EndpointResult, IncomingAttempt
from chalicelib.services.incoming.endpoint_request import EndpointRequest, Posting

LONGEST_OUTPUT = 500


class PostToEndpoint:
    """The sender for HTTP endpoints."""

    def __init__(self, clock: Clock, request: EndpointRequest) -> None:
        self._clock = clock
        self._request = request

    async def deliver(self, attempt: IncomingAttempt, endpoint: Endpoint) -> EndpointResult:
        """See `chalicelib.services.incoming.attempt.EndpointSender.deliver`. TemporaryFailure, before anything was
        sent, when vault or store are away."""
        posting = Posting(
            attempt.record,
            attempt.facts.server,
            attempt.facts.route,
            attempt.content,
            attempt.stored,
        )
        answer = await self._request.send(posting, endpoint, endpoint.timeout)
        return result_of(answer, endpoint, self._clock.now())


def result_of(answer: HttpAnswer, endpoint: Endpoint, now: float) -> EndpointResult:
    """What an answer is for the record."""
    outcome = outcome_of(answer, endpoint.format, now)
    url = with_user_info(endpoint.url, "***" if endpoint.sealed_user_info else "")
    result = AttemptResult(
        outcome.verdict,
        f"Received a {int(answer.code)} from {url}",
        answer.text[:LONGEST_OUTPUT].strip(),
        tls=answer.tls,
        remote=answer.remote,
        seconds=answer.seconds,
        least_wait=outcome.retry_after,
        cause=cause_of(answer),
    )
    return EndpointResult(result, outcome.bounces, outcome.disables)
