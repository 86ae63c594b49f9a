"""Makes TCP connections as an egress source wants them: bound to its address, or through its SOCKS5
proxy.

Addresses come in as literals; no name is looked up here, but for the proxy's own. A source that
cannot do its part raises SourceUnavailable, a target that cannot be reached TemporaryFailure.
"""

from __future__ import annotations

import asyncio
import os
import socket

from chalicelib.adapters.network.smtp_connection import SmtpConnection
from chalicelib.domain.envelope import Target
from chalicelib.domain.errors import SourceUnavailable, TemporaryFailure
from chalicelib.domain.outgoing.choose_source import bound_address
from chalicelib.domain.tenancy.sources import EgressKind, EgressSource

# SOCKS5 reply codes that speak of the target, not of the proxy (RFC 1928 §6).
_TARGET_FAULTS = {3, 4, 5, 6}


async def dial(
    target: Target, source: EgressSource, password: str, seconds: float
) -> SmtpConnection:
    """A new connection to the target. `password` is that of the proxy."""
    if source.kind is EgressKind.SOCKS5:
        sock = await _through_proxy(target, source, password, seconds)
    else:
        sock = await _straight(target, source, seconds)
    loop = asyncio.get_running_loop()
    try:
        _, connection = await loop.create_connection(SmtpConnection, sock=sock)
    except OSError as lost:
        sock.close()
        raise TemporaryFailure("The connection was lost.") from lost
    except asyncio.CancelledError:
        sock.close()
        raise
    return connection


async def _straight(target: Target, source: EgressSource, seconds: float) -> socket.socket:
    family = socket.AF_INET6 if ":" in target.address else socket.AF_INET
    try:
        sock = socket.socket(family, socket.SOCK_STREAM)
    except OSError as missing:  # a machine without IPv6
        raise TemporaryFailure(f"Cannot connect: {_reason(missing)}.") from missing
    try:
        sock.setblocking(False)
        _bind(sock, bound_address(source, target.address))
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(seconds):
            await loop.sock_connect(sock, (target.address, target.port))
    except TimeoutError as late:
        sock.close()
        raise TemporaryFailure("The connection timed out.") from late
    except OSError as refused:
        sock.close()
        raise TemporaryFailure(f"Cannot connect: {_reason(refused)}.") from refused
    except BaseException:
        sock.close()
        raise
    return sock


def _bind(sock: socket.socket, address: str) -> None:
    if not address:
        return
    try:
        sock.bind((address, 0))
    except OSError as foreign:
        raise SourceUnavailable(f"Cannot send from {address}: {_reason(foreign)}.") from foreign


async def _through_proxy(
    target: Target, source: EgressSource, password: str, seconds: float
) -> socket.socket:
    from python_socks import ProxyConnectionError, ProxyError, ProxyTimeoutError, ProxyType
    from python_socks.async_.asyncio import Proxy

    proxy = Proxy(
        ProxyType.SOCKS5, source.host, source.port, source.username or None, password or None
    )
    try:
        sock = await proxy.connect(target.address, target.port, timeout=seconds)
    except ProxyTimeoutError as late:
        raise TemporaryFailure("The connection through the proxy timed out.") from late
    except ProxyConnectionError as away:
        raise SourceUnavailable("The SOCKS5 proxy cannot be reached.") from away
    except ProxyError as refused:
        if refused.error_code in _TARGET_FAULTS:
            raise TemporaryFailure(f"The proxy cannot connect: {refused}.") from refused
        raise SourceUnavailable(f"The SOCKS5 proxy turned us away: {refused}.") from refused
    except OSError as lost:
        raise SourceUnavailable("The SOCKS5 proxy hung up.") from lost
    sock.setblocking(False)
    return sock


def _reason(error: OSError) -> str:
    """The system's words; asyncio's own would repeat the address."""
    return os.strerror(error.errno) if error.errno else "unknown error"
