"""The `HttpClient` port: HTTP/1.1 by `h11` on a connection that this module makes itself.

`h11` only reads and writes bytes; so what is connected to, for how long and how much is read is decided here and
nowhere else (docs/adr/0048-endpoints-are-posted-to-by-a-client-of-our-own-connections.md). A host with one closed
address is closed: its name server is not trusted to choose. Status line and header decide; what is wrong with the body
after them only shortens it.
"""

from __future__ import annotations

import asyncio
import base64
import os
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import unquote

import h11

from chalicelib.adapters.network.tls_client import verified_context
from chalicelib.config import Settings
from chalicelib.domain.destination_guard import literal_address, read_guard
from chalicelib.domain.errors import MailError
from chalicelib.domain.http_exchange import (
    LONGEST_BODY,
    BadCertificate,
    HttpAnswer,
    HttpRequest,
    NoAnswer,
    Timings,
)
from chalicelib.ports.http_client import HttpClient
from chalicelib.ports.resolver import Resolver

LONGEST_HEAD = 65_536
MOST_ADDRESSES = 4
CLOSED = "The connection was closed without an answer"
_PIECE = 16_384
# OpenSSL's X509_V_ERR_…
_BAD_CERTIFICATES = {
    9: BadCertificate.NOT_YET,
    10: BadCertificate.ENDED,
    18: BadCertificate.SELF_SIGNED,
    19: BadCertificate.UNKNOWN,  # a root that came along
    20: BadCertificate.UNKNOWN,
    21: BadCertificate.UNKNOWN,
    62: BadCertificate.WRONG_NAME,
    64: BadCertificate.WRONG_NAME,
}


class _Failed(Exception):
    """The request ends here, without an answer."""

    def __init__(self, code: NoAnswer, error: str, bad: BadCertificate | None = None) -> None:
        super().__init__(error)
        self.code = code
        self.bad_certificate = bad


class H11HttpClient(HttpClient):
    """One connection a request. Guard and authorities are those of the settings."""

    def __init__(self, settings: Settings, resolver: Resolver) -> None:
        self._resolver = resolver
        self._guard = read_guard(settings.allowed_destinations, settings.allow_private_destinations)
        self._context = partial(verified_context, settings.ca_file)

    async def send(self, request: HttpRequest) -> HttpAnswer:
        """See `chalicelib.ports.http_client.HttpClient.send`."""
        exchange = _Exchange(request)
        try:
            async with asyncio.timeout(request.seconds):
                addresses = await self._addresses(request)
                exchange.passed("dns")
                await exchange.connect(addresses)
                if request.url.scheme == "https":
                    await exchange.encrypt(self._context)
                await exchange.converse()
        except TimeoutError:
            exchange.failed(NoAnswer.TIMED_OUT, f"Timed out after {request.seconds:g} seconds")
        except _Failed as failed:
            exchange.failed(failed.code, str(failed), failed.bad_certificate)
        finally:
            exchange.close()
        return exchange.ended()

    async def _addresses(self, request: HttpRequest) -> tuple[str, ...]:
        """Where the host is; it fails when one of them is closed."""
        url = request.url
        found: tuple[str, ...] = (url.host,)
        if literal_address(url.host) is None:
            try:
                found = await self._resolver.addresses(url.host)
            except MailError as unknown:
                raise _Failed(NoAnswer.NOT_CONNECTED, unknown.public) from unknown
        if not found:
            raise _Failed(NoAnswer.NOT_CONNECTED, f"{url.host} has no address")
        is_open = [self._guard.allows(address, url.host) for address in found]
        if not (request.may_be_private or all(is_open)):
            raise _Failed(NoAnswer.BLOCKED, "Blocked destination")
        return found[:MOST_ADDRESSES]


class _Exchange:
    """One request under way: what is open, and the answer as far as it came."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request
        self._loop = asyncio.get_running_loop()
        self._started = self._last = self._loop.time()
        self._reader = asyncio.StreamReader()
        self._writer: asyncio.StreamWriter | None = None
        self._read = 0
        self._body = bytearray()
        self._answer: HttpAnswer | None = None
        self._timings = Timings()
        self._tls: str | None = None
        self._remote: str | None = None
        self._certificate_ends_at: int | None = None

    def passed(self, part: str) -> None:
        """Count the time since the last part for this one."""
        at = self._loop.time()
        self._timings = replace(self._timings, **{part: round(at - self._last, 6)})
        self._last = at

    def failed(self, code: NoAnswer, error: str, bad: BadCertificate | None = None) -> None:
        """There is no answer, unless its header came."""
        if self._answer is None:
            self._answer = HttpAnswer(code, error=error, bad_certificate=bad)

    def ended(self) -> HttpAnswer:
        """The answer."""
        answer = self._answer or HttpAnswer(NoAnswer.NOT_CONNECTED, error="No answer")
        seconds = round(self._loop.time() - self._started, 6)
        return replace(
            answer,
            body=bytes(self._body[:LONGEST_BODY]),
            seconds=seconds,
            timings=self._timings,
            tls=self._tls,
            remote=self._remote,
            certificate_ends_at=self._certificate_ends_at,
        )

    def close(self) -> None:
        """Drop the connection."""
        if self._writer is not None:
            self._writer.transport.abort()

    async def connect(self, addresses: Iterable[str]) -> None:
        """To the first address that takes a connection; each gets its share of the time that is left."""
        left = list(addresses)
        error = ""
        while left:
            address, share = left.pop(0), self._time_left() / (len(left) + 1)
            try:
                async with asyncio.timeout(share):
                    self._reader, self._writer = await asyncio.open_connection(
                        address, self._request.url.port
                    )
            except TimeoutError:
                error = "The connection timed out"
            except OSError as refused:
                error = os.strerror(refused.errno) if refused.errno else "Cannot connect"
            else:
                host = f"[{address}]" if ":" in address else address
                self._remote = f"{host}:{self._request.url.port}"
                self.passed("connect")
                return
        raise _Failed(NoAnswer.NOT_CONNECTED, error)

    async def encrypt(self, context: partial[ssl.SSLContext]) -> None:
        """TLS, verified for the host of the URL."""
        writer = self._open()
        try:
            await writer.start_tls(context(), server_hostname=self._request.url.host)
        except ssl.SSLCertVerificationError as wrong:
            error = f"The certificate is not valid: {wrong.verify_message}"
            bad = _BAD_CERTIFICATES.get(wrong.verify_code)
            raise _Failed(NoAnswer.NO_TLS, error, bad) from wrong
        except (OSError, ValueError) as broken:
            raise _Failed(NoAnswer.NO_TLS, "TLS cannot be negotiated") from broken
        tls = writer.get_extra_info("ssl_object")
        self._tls = f"{tls.version()} {tls.cipher()[0]}"
        self._certificate_ends_at = _end_of(tls.getpeercert())
        self.passed("tls")

    async def converse(self) -> None:
        """Send the request and read what is wanted of the answer."""
        http = h11.Connection(h11.CLIENT, max_incomplete_event_size=LONGEST_HEAD)
        writer = self._open()
        for event in _events(self._request):
            writer.write(http.send(event) or b"")
        # Nobody waits until all is sent: the answer may come before, and then the rest is not wanted.
        try:
            await self._read_answer(http)
        except OSError as broken:
            raise _Failed(NoAnswer.NOT_CONNECTED, "The connection was lost") from broken
        except h11.RemoteProtocolError as broken:
            # What it says of the answer has bytes of it.
            said = "The answer is not HTTP" if self._read else CLOSED
            raise _Failed(NoAnswer.NOT_CONNECTED, said) from broken

    async def _read_answer(self, http: h11.Connection) -> None:
        while True:
            event = http.next_event()
            if event is h11.NEED_DATA:
                http.receive_data(await self._piece())
            elif isinstance(event, h11.Response):
                self.passed("wait")
                headers = tuple((_text(name), _text(value)) for name, value in event.headers)
                self._answer = HttpAnswer(event.status_code, headers)
            elif isinstance(event, h11.Data):
                self._body += event.data
                if len(self._body) >= LONGEST_BODY:
                    return
            elif not isinstance(event, h11.InformationalResponse):
                return

    async def _piece(self) -> bytes:
        """More of what the server sends; of headers, interim ones too, no more than is worth reading."""
        data = await self._reader.read(_PIECE)
        self._read += len(data)
        if self._answer is None and self._read > LONGEST_HEAD:
            raise _Failed(NoAnswer.NOT_CONNECTED, "The header of the answer is too long")
        return data

    def _time_left(self) -> float:
        return max(0.0, self._started + self._request.seconds - self._loop.time())

    def _open(self) -> asyncio.StreamWriter:
        if self._writer is None:
            raise RuntimeError("there is no connection")
        return self._writer


def _events(request: HttpRequest) -> list[h11.Event]:
    url = request.url
    headers = [("Host", url.authority), *request.headers]
    if url.user_info:
        user, _, password = url.user_info.partition(":")
        pair = f"{unquote(user)}:{unquote(password)}".encode()
        headers.append(("Authorization", f"Basic {base64.b64encode(pair).decode()}"))
    headers.append(("Connection", "close"))
    if request.method == "GET":
        return [h11.Request(method="GET", target=url.target, headers=headers), h11.EndOfMessage()]
    headers.append(("Content-Length", str(len(request.body))))
    head = h11.Request(method="POST", target=url.target, headers=headers)
    return [head, h11.Data(data=request.body), h11.EndOfMessage()]


def _end_of(certificate: Mapping[str, Any]) -> int | None:
    """When a certificate ends that was verified."""
    try:
        return int(ssl.cert_time_to_seconds(str(certificate.get("notAfter"))))
    except ValueError:
        return None


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")
