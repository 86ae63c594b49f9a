"""Private destinations are refused in every spelling, and what the operator allows is open."""

from __future__ import annotations

import pytest

from chalicelib.domain.destination_guard import DestinationGuard, literal_address, read_guard

LOOPBACK = """
127.0.0.1 2130706433 0177.0.0.1 0x7f.1 0x7F.0x0.0x0.0x1 127.1 127.0.1 127.0.0.1. 0x7f000001 017700000001 0X7f.1
\uff11\uff12\uff17.\uff10.\uff10.\uff11 127。0。0。1 \uff11\uff12\uff17\uff0e\uff11 ②①③⓪⑦⓪⑥④③③
%31%32%37.0.0.1 00000000000000000000000000000177.1 127.0x0.0.01
""".split()
SIX = """
[::1] ::1 [::ffff:127.0.0.1] ::ffff:7f00:1 [::127.0.0.1] 64:ff9b::7f00:1 [64:ff9b:1::1] 2002:7f00:1::
2001:0:4136:e378:8000:63bf:3fff:fdd2 fd00:ec2::254 [fe80::1%25eth0] fe80::1 [::] fc00::1
""".split()
CLOSED = [*LOOPBACK, *SIX, *"""
169.254.169.254 0xa9fea9fe 169.254.43518 169.254.170.2 10.1 0 0x 0.0.0.0 100.64.1.1 192.168.257 224.0.0.1 198.18.0.1
4294967295 192.0.2.1
""".split()]  # fmt: skip
NAMES = """
example.com localhost 127.0.0.1.example.com 1.2.3.4.5 256.1 1.2.3.256 4294967296 0x1ffffffff 08.1 1..2 a.1 0xg .
127.0.0.1.. 1e3 +1 -1 ١٢٧.0.0.1 [1.2.3.4 [::g] 127.0.0.1:80 99999999999999999999999999
""".split()
GUARD = DestinationGuard()


@pytest.mark.parametrize("host", LOOPBACK)
def test_every_spelling_of_loopback_is_read(host: str) -> None:
    assert str(literal_address(host)) == "127.0.0.1"


@pytest.mark.parametrize("host", CLOSED)
def test_private_literal_addresses_are_refused(host: str) -> None:
    assert GUARD.refuses(host)


@pytest.mark.parametrize("host", [*NAMES, ""])
def test_what_is_no_literal_address_is_left_to_the_look_up(host: str) -> None:
    assert literal_address(host) is None
    assert not GUARD.refuses(host)


@pytest.mark.parametrize("host", ["1.1.1.1", "16843009", "0x8080808", "[2001:4860:4860::8888]"])
def test_public_literal_addresses_are_open(host: str) -> None:
    assert literal_address(host) is not None
    assert not GUARD.refuses(host)


def test_networks_and_names_of_the_operator_are_open() -> None:
    guard = read_guard("10.0.0.0/8, fd00::/8 ,Hook.Internal,192.168.7.7")
    assert guard.allows("10.1.2.3")
    assert guard.allows("::ffff:10.1.2.3")
    assert not guard.refuses("0xa010203")
    assert guard.allows("fd00::1")
    assert guard.allows("192.168.7.7")
    assert not guard.allows("192.168.7.8")
    assert guard.allows("127.0.0.1", "hook.internal.")
    assert not guard.allows("127.0.0.1", "other.internal")
    assert not guard.allows("2002:a01:203::")


def test_nothing_is_closed_where_the_guard_is_off() -> None:
    guard = read_guard("", anywhere=True)
    assert guard.allows("127.0.0.1")
    assert not guard.refuses("[::1]")


def test_nothing_that_is_no_address_is_open() -> None:
    assert not GUARD.allows("")
    assert not GUARD.allows("localhost")
    assert not GUARD.allows("fe80::1%eth0")
