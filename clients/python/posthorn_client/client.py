"""The client: whose key, which tenant, and what is done again when the API is busy.

A request is repeated at most `retries` times: after 429 and 503, when `Retry-After` says so and the waits stay within
`longest_wait` seconds together; and when there was no answer, if it does no harm twice. POSTs then carry one
Idempotency-Key, so that what was done is not done again. A client may be shared among threads.
"""

from __future__ import annotations

import json
import random
import time
import uuid
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from posthorn_client.errors import ProblemError, Unreachable, UnreadableAnswer, problem_of
from posthorn_client.http_transport import HttpTransport
from posthorn_client.operations import Operations
from posthorn_client.request import Request, word
from posthorn_client.transport import Answer, Sent, Transport
from posthorn_client.version import VERSION

SAFE = frozenset({"GET", "HEAD", "PUT", "PATCH"})  # which come to the same, done once or twice
BUSY = frozenset({429, 503})  # nothing was done
UNKNOWN = frozenset({502, 504})  # whether it was done is not known
IN_FLIGHT = "idempotency_key_in_flight"


class Client(Operations):
    """The API at an address, or behind a transport. `key` is a server's or a management key, None for what needs none;
    `tenant` (`acme/mail`, `acme`) is meant where a call names no other. A server key needs none."""

    def __init__(
        self,
        at: str | Transport,
        key: str | None = None,
        *,
        tenant: str | None = None,
        retries: int = 2,
        longest_wait: float = 90.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.tenant = tenant
        self._transport = HttpTransport(at) if isinstance(at, str) else at
        self._headers = {"Accept": "*/*", "User-Agent": f"posthorn-client/{VERSION}"}
        if key is not None:
            self._headers["Authorization"] = f"Bearer {word(key, 'key')}"
        self._retries, self._longest_wait = retries, longest_wait
        self._sleep = sleep

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of connections."""
        self._transport.close()

    def _json(self, request: Request) -> Any:
        body = self._answer(request).body
        try:
            return json.loads(body)
        except (ValueError, RecursionError) as unreadable:
            raise UnreadableAnswer(
                "The API answered with something that is no JSON"
            ) from unreadable

    def _nothing(self, request: Request) -> None:
        self._answer(request)

    def _octets(self, request: Request) -> bytes:
        answer = self._answer(request)
        if answer.status != 303:
            return answer.body
        fetched = self._transport.fetch(answer.headers.get("location", ""))
        if fetched.status != 200:
            raise UnreadableAnswer(f"The address that the API named answered {fetched.status}")
        return fetched.body

    def _answer(self, request: Request) -> Answer:
        """The answer to a request, asked for again as far as it helps. ProblemError, Unreachable, UnreadableAnswer."""
        sent = self._written(request)
        waited, attempt = 0.0, 0
        while True:
            outcome = self._tried(sent)
            if isinstance(outcome, Answer):
                return outcome
            wait = _wait(outcome, sent, attempt)
            if wait is None or attempt == self._retries or waited + wait > self._longest_wait:
                raise outcome
            self._sleep(wait)
            waited, attempt = waited + wait, attempt + 1

    def _tried(self, sent: Sent) -> Answer | ProblemError | Unreachable:
        """The answer, or what may be mended by asking again."""
        try:
            answer = self._transport.send(sent)
        except Unreachable as failure:
            return failure
        if answer.status < 300 or answer.status == 303:
            return answer
        if answer.status < 400:
            raise UnreadableAnswer(f"The API answered {answer.status}, which it never does")
        return problem_of(answer.status, answer.body, _seconds(answer))

    def _written(self, request: Request) -> Sent:
        headers = dict(self._headers)
        content = request.content
        if content is not None:
            headers["Content-Type"] = "application/json"
        if tenant := request.tenant or self.tenant:
            headers["Posthorn-Tenant"] = word(tenant, "tenant")
        key = request.idempotency_key
        if request.can_repeat and key is None and self._retries:
            key = str(uuid.uuid4())
        if key is not None:
            headers["Idempotency-Key"] = word(key, "Idempotency-Key")
        repeatable = request.method in SAFE or key is not None
        return Sent(request.method, request.target, headers, content, repeatable)


def _seconds(answer: Answer) -> float | None:
    """What Retry-After says; a date is not read."""
    text = answer.headers.get("retry-after", "")
    return float(text) if text.isascii() and text.isdecimal() else None


def _wait(failure: ProblemError | Unreachable, sent: Sent, attempt: int) -> float | None:
    """The seconds to wait before the same request; None when it must not be sent again, or would not help."""
    spread = random.uniform(0.5, 1.0) * 0.5 * 2**attempt  # noqa: S311  # so that clients do not come back together
    if isinstance(failure, Unreachable):
        return spread if sent.repeatable else None
    if failure.status in BUSY:
        return failure.retry_after if failure.retry_after is not None else spread
    again = failure.status in UNKNOWN or (failure.code == IN_FLIGHT and attempt > 0)
    return spread if again and sent.repeatable else None
