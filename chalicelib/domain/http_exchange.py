"""One HTTP request to a server of somebody else and what came of it, as values.

The answer is hostile text of bounded length. A negative code says why there is none: those of contract section 1.9.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Literal

from chalicelib.domain.http_url import HttpUrl

LONGEST_BODY = 65_536

Fields = tuple[tuple[str, str], ...]


class NoAnswer(IntEnum):
    """Why there is no answer: it did not come in time, there was no connection or no HTTP on it, no TLS, or the
    destination is closed to customers."""

    TIMED_OUT = -1
    NOT_CONNECTED = -2
    NO_TLS = -3
    BLOCKED = -4


class BadCertificate(Enum):
    """Why a certificate is not taken, where it is one of the usual reasons."""

    ENDED = "ended"
    NOT_YET = "not_yet"
    WRONG_NAME = "wrong_name"
    SELF_SIGNED = "self_signed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A POST of `body`, or a GET. `seconds` is all that it may take, from the look-up of the host to the end of the
    answer. Host, Content-Length, Connection and, from the URL's user-info, Authorization are the client's to add. With
    `may_be_private` the guard of destinations is not asked: the operator chose this one."""

    url: HttpUrl
    headers: Fields
    body: bytes
    seconds: float
    method: Literal["POST", "GET"] = "POST"
    may_be_private: bool = False


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds that the parts took; None for what did not happen. `wait`: from the request to the answer's header."""

    dns: float | None = None
    connect: float | None = None
    tls: float | None = None
    wait: float | None = None


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """`code` is the status, or a `NoAnswer` with `error` as its text. `body` is its first `LONGEST_BODY` bytes, as far
    as they came, as they were sent; `headers` have lower-case names. `tls` is version and cipher, `remote` the address
    that was connected to. `certificate_ends_at` is when the certificate ends that was taken (epoch seconds),
    `bad_certificate` why one was not."""

    code: int
    headers: Fields = ()
    body: bytes = b""
    error: str | None = None
    seconds: float = 0.0
    timings: Timings = Timings()
    tls: str | None = None
    remote: str | None = None
    certificate_ends_at: int | None = None
    bad_certificate: BadCertificate | None = None

    @property
    def text(self) -> str:
        """The body as text, or the error."""
        return self.error if self.error is not None else self.body.decode("utf-8", "replace")

    def header(self, name: str) -> str | None:
        """The first field of this lower-case name."""
        return next((value for key, value in self.headers if key == name), None)
