"""The protocols of the three scanners on a connection of their own: one request, one answer, read to its end.

spamd: SPAMC with REPORT. rspamd: HTTP POST to /checkv2, as HTTP/1.0, so that the answer is not cut into chunks. clamd:
zINSTREAM. What is said in them is read by `chalicelib.domain.incoming.scanner_answers`. Raises OSError, and Unreadable
for an answer without end or sense. Time is the caller's affair.
"""

from __future__ import annotations

import contextlib
import re
import ssl
from asyncio import StreamWriter, open_connection
from collections.abc import Iterable
from typing import TypeVar
from urllib.parse import urlsplit

from chalicelib.domain.incoming import scanner_answers
from chalicelib.domain.incoming.scanner_answers import Scored
from chalicelib.domain.inspection import Threat
from chalicelib.ports.scanners import ScannedMail

T = TypeVar("T")
LONGEST_ANSWER = 1 << 18
_CHUNK = 1 << 16
_NO_HEADER_TEXT = re.compile(r"[^ -~]")
_OK = re.compile(rb"HTTP/1\.[01] 200 ")


class Unreadable(Exception):
    """An answer that is none."""


async def ask_spamd(place: str, mail: ScannedMail) -> Scored:
    """What spamd at `host:port` makes of it."""
    head = b"REPORT SPAMC/1.5\r\nContent-length: %d\r\n\r\n" % len(mail.content)
    answer = await _exchange(*host_and_port(place), [head, mail.content])
    return _sensible(scanner_answers.read_spamd(answer, is_outgoing=mail.is_outgoing))


async def ask_rspamd(url: str, mail: ScannedMail) -> Scored:
    """What rspamd at this URL makes of it."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    known = {
        "Host": parts.netloc,
        "Content-Length": str(len(mail.content)),
        "From": mail.mail_from,
        "Rcpt": mail.rcpt_to,
        "IP": mail.client,
        "Helo": mail.helo,
        "Hostname": mail.client_name,
        "User": "posthorn" if mail.is_outgoing else "",  # whose network rules do not hold
    }
    lines = [f"{name}: {_NO_HEADER_TEXT.sub('?', text)}" for name, text in known.items() if text]
    path = f"{parts.path.rstrip('/')}/checkv2"
    head = "\r\n".join([f"POST {path} HTTP/1.0", *lines, "", ""]).encode("ascii")
    tls = ssl.create_default_context() if parts.scheme == "https" else None
    answer = await _exchange(parts.hostname or "", port, [head, mail.content], tls)
    if not _OK.match(answer):
        raise Unreadable
    return _sensible(scanner_answers.read_rspamd(answer.partition(b"\r\n\r\n")[2]))


async def ask_clamd(place: str, content: bytes) -> Threat:
    """Whether clamd at `host:port` finds a threat in it."""
    view = memoryview(content)
    stream: list[bytes | memoryview] = [b"zINSTREAM\0"]
    for at in range(0, len(content), _CHUNK):
        piece = view[at : at + _CHUNK]
        stream += len(piece).to_bytes(4, "big"), piece
    answer = await _exchange(*host_and_port(place), [*stream, b"\0\0\0\0"])
    return _sensible(scanner_answers.read_clamd(answer))


def host_and_port(place: str) -> tuple[str, int]:
    """`host:port` apart, an IPv6 address without its brackets."""
    host, _, port = place.rpartition(":")
    return host.strip("[]"), int(port)


def _sensible(found: T | None) -> T:
    if found is None:
        raise Unreadable
    return found


async def _exchange(
    host: str, port: int, request: Iterable[bytes | memoryview], tls: ssl.SSLContext | None = None
) -> bytes:
    reader, writer = await open_connection(host, port, ssl=tls)
    try:
        # A scanner may answer before it has read all, and close: its answer counts.
        with contextlib.suppress(ConnectionError):
            await _send(writer, request)
        answer = b""
        while piece := await reader.read(_CHUNK):
            answer += piece
            if len(answer) > LONGEST_ANSWER:
                raise Unreadable
        return answer
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def _send(writer: StreamWriter, request: Iterable[bytes | memoryview]) -> None:
    for piece in request:
        writer.write(piece)
        await writer.drain()
