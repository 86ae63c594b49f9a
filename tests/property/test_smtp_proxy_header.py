"""PROXY headers: what is rendered is read back, nothing past the header is asked for, and garbage is refused."""

from __future__ import annotations

import ipaddress
import struct

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.errors import Rejected
from gateway.proxy_protocol import LONGEST_V1, LONGEST_V2, Incomplete, read_proxy_header

ports = st.integers(0, 65_535)
pairs = st.tuples(st.ip_addresses(v=4), st.ip_addresses(v=4)) | st.tuples(
    st.ip_addresses(v=6), st.ip_addresses(v=6)
)


def feed(stream: bytes) -> tuple[str | None, int]:
    """Read a header as a server does; its source and how many bytes were taken."""
    data = b""
    while isinstance(header := read_proxy_header(data), Incomplete):
        assert header.count > 0
        piece = stream[len(data) : len(data) + header.count]
        if not piece:
            raise EOFError
        data += piece
    return header.source, len(data)


@given(pairs, ports, ports, st.binary(max_size=50))
def test_version_1_takes_its_line_and_no_more(
    addresses: tuple[ipaddress.IPv4Address, ipaddress.IPv4Address],
    source_port: int,
    port: int,
    tail: bytes,
) -> None:
    source, target = addresses
    line = f"PROXY TCP{source.version} {source} {target} {source_port} {port}\r\n".encode()
    assert feed(line + tail) == (str(source), len(line))


@given(pairs, ports, st.binary(max_size=100), st.binary(max_size=50))
def test_version_2_takes_its_length_and_no_more(
    addresses: tuple[ipaddress.IPv4Address, ipaddress.IPv4Address],
    port: int,
    fields: bytes,
    tail: bytes,
) -> None:
    source, target = addresses
    body = source.packed + target.packed + struct.pack("!HH", port, 25) + fields
    family = 0x11 if source.version == 4 else 0x21
    head = b"\r\n\r\n\x00\r\nQUIT\n" + struct.pack("!BBH", 0x21, family, len(body))
    assert feed(head + body + tail) == (str(source), len(head) + len(body))


@given(
    st.sampled_from([b"", b"PROXY ", b"PROXY TCP4 ", b"PROXY TCP6 1", b"\r\n\r\n\x00\r\nQUIT\n"]),
    st.binary(max_size=200),
)
def test_garbage_is_refused_or_wants_more_within_bounds(start: bytes, tail: bytes) -> None:
    stream = start + tail + b"x" * 200
    try:
        source, taken = feed(stream)
    except (Rejected, EOFError):
        return
    assert taken <= max(LONGEST_V1, LONGEST_V2 + 16)
    assert source is None or str(ipaddress.ip_address(source)) == source
