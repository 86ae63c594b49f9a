"""Whose request it is: the connection's, or what a proxy of ours wrote, and never what a client says of itself."""

from __future__ import annotations

import pytest

from onehost.options import Options, read_options
from onehost.web.client_address import client_address

PROXIES = Options(http_proxy_networks="10.0.0.0/8, 2001:db8::/32,127.0.0.1").http_proxies


@pytest.mark.parametrize(
    ("connection", "forwarded", "expected"),
    [
        ("203.0.113.5", "", "203.0.113.5"),
        ("203.0.113.5", "198.51.100.1", "203.0.113.5"),
        ("::ffff:203.0.113.5", "", "203.0.113.5"),
        ("2001:DB9:0:0::1", "", "2001:db9::1"),
        ("10.1.2.3", "198.51.100.1", "198.51.100.1"),
        ("::ffff:10.1.2.3", "::ffff:198.51.100.1", "198.51.100.1"),
        ("2001:db8::9", "2001:db9::1", "2001:db9::1"),
        ("10.1.2.3", "1.2.3.4, 198.51.100.1", "198.51.100.1"),
        ("10.1.2.3", "1.2.3.4, 198.51.100.1 , 10.9.9.9,127.0.0.1", "198.51.100.1"),
        ("10.1.2.3", "10.4.4.4, 10.9.9.9", "10.1.2.3"),
        ("10.1.2.3", "", "10.1.2.3"),
        ("10.1.2.3", "unknown", "10.1.2.3"),
        ("10.1.2.3", "1.2.3.4, unknown, 10.9.9.9", "10.1.2.3"),
        ("10.1.2.3", "1.2.3.4, 198.51.100.1:5000", "10.1.2.3"),
        ("10.1.2.3", "fe80::1%eth0", "10.1.2.3"),
        ("10.1.2.3", "1.2.3.4," * 10_000, "10.1.2.3"),
        ("", "198.51.100.1", ""),
    ],
)
def test_whose_request_it_is(connection: str, forwarded: str, expected: str) -> None:
    assert client_address(connection, forwarded, PROXIES) == expected


def test_without_proxies_nobody_is_believed() -> None:
    assert client_address("127.0.0.1", "198.51.100.1", Options().http_proxies) == "127.0.0.1"


def test_networks_are_read_at_the_start() -> None:
    read = read_options({"POSTHORN_HTTP_PROXY_NETWORKS": "10.0.0.0/8"})
    assert [str(network) for network in read.http_proxies] == ["10.0.0.0/8"]
    with pytest.raises(ValueError, match=r"POSTHORN_HTTP_PROXY_NETWORKS: 'x' is not a network"):
        read_options({"POSTHORN_HTTP_PROXY_NETWORKS": "10.0.0.0/8, x"})
