"""Reads the PROXY protocol header (HAProxy specification, versions 1 and 2) that a load balancer puts in front.

A sans-IO parser: given the bytes so far it answers with the header or with how many bytes to read next, never more than
the header has, so the byte after it is left in the socket for SMTP or TLS. It asks for at most 107 bytes of version 1
and 4,112 of version 2, and raises Rejected for whatever is no header. It does not decide who may send one.
"""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass

from chalicelib.domain.errors import Rejected

SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
SHORTEST_V1 = len(b"PROXY UNKNOWN\r\n")
LONGEST_V1 = 107
V2_FIXED = 16
LONGEST_V2 = 4_096  # addresses and the TLVs that balancers send; the protocol would allow 65,535


@dataclass(frozen=True, slots=True)
class Incomplete:
    """Read exactly this many more bytes, at most."""

    count: int


@dataclass(frozen=True, slots=True)
class ProxyHeader:
    """A whole header. `source` is the client's address, None when the balancer speaks for itself (LOCAL, UNKNOWN)."""

    source: str | None


def read_proxy_header(data: bytes) -> ProxyHeader | Incomplete:
    """The header that `data` is, or what is missing; Rejected when it can become none."""
    if len(data) < SHORTEST_V1:
        if not (b"PROXY ".startswith(data[:6]) or SIGNATURE.startswith(data[:12])):
            raise Rejected("Not a PROXY protocol header")
        return Incomplete(SHORTEST_V1 - len(data))
    if data.startswith(SIGNATURE):
        return _version2(data)
    if data.startswith(b"PROXY "):
        return _version1(data)
    raise Rejected("Not a PROXY protocol header")


def _version1(data: bytes) -> ProxyHeader | Incomplete:
    if not data.endswith(b"\r\n"):
        if b"\n" in data or len(data) >= LONGEST_V1:
            raise Rejected("PROXY version 1 line is malformed or too long")
        return Incomplete(1)
    fields = data[:-2].split(b" ")
    if fields[1] == b"UNKNOWN":
        return ProxyHeader(None)
    if len(fields) != 6 or fields[1] not in (b"TCP4", b"TCP6"):
        raise Rejected("PROXY version 1 line is malformed")
    wanted = 4 if fields[1] == b"TCP4" else 6
    source = _address(fields[2], wanted)
    _address(fields[3], wanted)
    for port in fields[4:]:
        if not (port.isdigit() and len(port) <= 5 and int(port) <= 65_535):
            raise Rejected("PROXY version 1 port is malformed")
    return ProxyHeader(source)


def _address(text: bytes, version: int) -> str:
    try:
        address = ipaddress.ip_address(text.decode("ascii"))
    except ValueError as wrong:
        raise Rejected("PROXY version 1 address is malformed") from wrong
    if address.version != version:
        raise Rejected("PROXY version 1 address is of another family")
    return str(address)


def _version2(data: bytes) -> ProxyHeader | Incomplete:
    if len(data) < V2_FIXED:
        return Incomplete(V2_FIXED - len(data))
    version_command, family, length = struct.unpack_from("!BBH", data, 12)
    if version_command not in (0x20, 0x21) or length > LONGEST_V2:
        raise Rejected("PROXY version 2 header is malformed")
    if len(data) < V2_FIXED + length:
        return Incomplete(V2_FIXED + length - len(data))
    if len(data) > V2_FIXED + length:
        raise Rejected("More than a PROXY header was given")
    if version_command == 0x20:
        return ProxyHeader(None)
    return ProxyHeader(_version2_source(data, family, length))


def _version2_source(data: bytes, family: int, length: int) -> str | None:
    if family == 0x11 and length >= 12:
        return str(ipaddress.IPv4Address(data[16:20]))
    if family == 0x21 and length >= 36:
        return str(ipaddress.IPv6Address(data[16:32]))
    if family == 0x00:
        return None
    raise Rejected("PROXY version 2 family is not TCP over IPv4 or IPv6")
