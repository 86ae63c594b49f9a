"""One HTTP request and one answer as values, and how the API asks the assembled program.

Operations are coroutines `(program, request) -> answer`, so that they run the same under Lambda, the local stack and a
test. Header names in a request are lower-case. Nothing here reads sockets or Lambda events.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from chalicelib.domain.tenancy.credentials import CredentialKind
from chalicelib.services.tenancy.authenticate import Authenticate, Principal

Part = TypeVar("Part")

# A Lambda answer may have 6 MB including JSON escapes; base64 makes 4.5 MB of bytes just fit.
LARGEST_ANSWER = 4_500_000
BINARY = "application/octet-stream"
_FIRST = (BINARY, "text/html")  # of those that are taken for bytes (infra/downloads.py)
RETRY_AFTER = "30"  # seconds
API_KEYS = frozenset({CredentialKind.API})


def takes_bytes(accept: str) -> bool:
    """Whether API Gateway hands bytes out to a client that accepts this: it looks at the first type alone, and `*/*` is
    none. A browser that follows a link begins with text/html."""
    accepted = accept.lower()
    first = accepted.partition(",")[0].partition(";")[0].strip()
    return first in _FIRST and (BINARY in accepted or "*/*" in accepted)


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request. `path_values` are the variable parts of its path; `notes` end up in the log line. The answer to one
    that `is_in_process` goes through no gateway."""

    method: str
    path: str
    path_values: Mapping[str, str]
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes
    client_address: str
    request_id: str
    notes: dict[str, Any] = field(default_factory=dict)
    is_in_process: bool = False

    @property
    def content_type(self) -> str:
        """The media type with parameters, as sent; empty when there is none."""
        return self.headers.get("content-type", "").strip()


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """An answer. A `bytes` body is sent as it is, in a content type that gateways pass through as binary."""

    status: int
    body: str | bytes
    headers: Mapping[str, str]
    cookies: tuple[str, ...] = ()  # each the value of a `Set-Cookie` of its own


class MailProgram(Protocol):
    """The assembled program, asked for a service or a port by its class."""

    def __getitem__(self, kind: type[Part]) -> Part: ...


Operation = Callable[[MailProgram, HttpRequest], Coroutine[Any, Any, HttpAnswer]]
Fallback = Callable[[HttpRequest], HttpAnswer]


@dataclass(frozen=True, slots=True)
class Call:
    """A request whose client is known."""

    program: MailProgram
    principal: Principal
    request: HttpRequest


async def principal_of(program: MailProgram, request: HttpRequest, key: str) -> Principal:
    """The principal of an API key, noted in the log line. Raises Unauthenticated, TooManyUnknownKeys."""
    principal = await program[Authenticate].by_key(
        key, API_KEYS, request.client_address, counting=True
    )
    request.notes["server_id"] = principal.server.id
    return principal
