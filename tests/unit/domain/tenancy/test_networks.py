"""Which network holds a client's address."""

from __future__ import annotations

import pytest

from chalicelib.domain.numbering import ServerId
from chalicelib.domain.tenancy.credentials import Credential, CredentialKind
from chalicelib.domain.tenancy.networks import narrowest, network_of


def credential(network: str | None) -> Credential:
    return Credential(
        network or "none", ServerId(1), CredentialKind.SMTP_IP, "", 0, network=network
    )


@pytest.mark.parametrize(
    ("networks", "address", "winner"),
    [
        (["10.0.0.0/8", "10.1.0.0/16"], "10.1.2.3", "10.1.0.0/16"),
        (["10.1.0.0/16", "10.0.0.0/8"], "10.1.2.3", "10.1.0.0/16"),
        (["10.0.0.0/8"], "::ffff:10.1.2.3", "10.0.0.0/8"),
        (["::ffff:10.0.0.0/104"], "10.1.2.3", "::ffff:10.0.0.0/104"),
        (["0.0.0.0/0"], "2001:db8::1", None),
        (["::/0", "0.0.0.0/0"], "192.0.2.1", "0.0.0.0/0"),
        (["::/0"], "192.0.2.1", "::/0"),
        (["fe80::/10"], "fe80::1%eth0", "fe80::/10"),
        (["192.0.2.7"], "192.0.2.7", "192.0.2.7"),
        (["192.0.2.9/24"], "192.0.2.7", "192.0.2.9/24"),
        (["192.0.2.0/24"], "192.0.3.1", None),
        (["nonsense", None, "10.0.0.0/99"], "10.0.0.1", None),
        (["0.0.0.0/0"], "nonsense", None),
        (["0.0.0.0/0"], "", None),
    ],
)
def test_the_longest_prefix_wins(
    networks: list[str | None], address: str, winner: str | None
) -> None:
    found = narrowest([credential(network) for network in networks], address)
    assert (found.network if found else None) == winner


def test_networks_in_ipv6_space() -> None:
    assert network_of("192.0.2.0/24") == network_of("::ffff:192.0.2.0/120")
    assert network_of("bad") is None
