"""Fuzz target of the guard of destinations."""

from __future__ import annotations

import socket

from chalicelib.domain.destination_guard import DestinationGuard, literal_address, read_guard

SEEDS = (
    b"127.0.0.1",
    b"0x7f.1",
    b"0177.0.0.1.",
    b"2130706433",
    "\uff11\uff12\uff17。0\uff0e0.1".encode(),
    b"[::ffff:127.0.0.1]",
    b"fe80::1%25eth0",
    b"%31.1",
)
WORDS = (
    b".", b":", b"[", b"]", b"%", b"0x", b"0", b"255", b"::", b"ffff", b"127.", b"\xef\xbc\x91", "。".encode(), b"/",
    b"x", b"08", b"1e1", b"_", b"-", b"99999999999",
)  # fmt: skip
GUARD = DestinationGuard()


def fuzz_destination(data: bytes) -> None:
    """What the system itself would connect to without a look-up is seen as an address, and is open only if public."""
    host = data.decode("utf-8", "surrogateescape")
    address = literal_address(host)
    read_guard(host).allows(host, host)
    if address is not None:
        assert GUARD.refuses(host) is not GUARD.allows(str(address))
        assert "%" in str(address) or literal_address(str(address)) == address
    if host.isascii() and "\0" not in host:
        try:
            packed = socket.inet_aton(host)
        except OSError:
            return
        # `inet_aton` stops at a blank; the URL standard does not know such a host.
        if host == host.split()[0]:
            assert address is not None
            assert address.packed == packed
