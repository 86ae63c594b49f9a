"""From DNS answers to hosts in order, or to the reason why there are none."""

from __future__ import annotations

from itertools import count

import pytest

from chalicelib.domain.destination import (
    hosts_in_order,
    literal_address,
    missing_domain,
    only_private_hosts,
    recipient_domain,
)
from chalicelib.domain.errors import PermanentFailure, TemporaryFailure


def test_preference_decides_and_draws_break_ties() -> None:
    records = [(20, "c"), (10, "a"), (10, "b")]
    assert hosts_in_order("x", records, iter([0.9, 0.5, 0.1])) == ("b", "a", "c")
    assert hosts_in_order("x", records, iter([0.1, 0.2, 0.8])) == ("a", "b", "c")


def test_no_mx_means_the_domain_itself() -> None:
    assert hosts_in_order("x.test", [], iter([])) == ("x.test",)


def test_a_null_mx_is_permanent_unless_another_mx_stands_beside_it() -> None:
    with pytest.raises(PermanentFailure) as raised:
        hosts_in_order("x", [(0, "")], iter([0.5]))
    assert str(raised.value.reply) == "556 5.1.10 Recipient address has null MX"
    assert hosts_in_order("x", [(0, ""), (10, "a")], iter([0.1, 0.2])) == ("a",)


def test_hosts_are_named_once_and_at_most_ten() -> None:
    records = [(number // 2, f"mx{number // 2}") for number in range(60)]
    hosts = hosts_in_order("x", records, (float(number) for number in count()))
    assert hosts == tuple(f"mx{number}" for number in range(10))


def test_domains_and_literals() -> None:
    assert recipient_domain('"a@b"@Example.COM') == "example.com"
    assert literal_address("example.com") is None
    assert literal_address("[192.0.2.1]") == "192.0.2.1"
    assert literal_address("[IPv6:2001:DB8::1]") == "2001:db8::1"


@pytest.mark.parametrize(
    "domain",
    ["[", "[]", "[1]", "[192.0.2]", "[2001:db8::1]", "[IPv6:192.0.2.1]", "[IPv6:fe80::1%e]"],
)
def test_unreadable_literals_are_permanent(domain: str) -> None:
    with pytest.raises(PermanentFailure) as raised:
        literal_address(domain)
    assert raised.value.reply.enhanced == "5.1.3"


@pytest.mark.parametrize("judge", [missing_domain, only_private_hosts])
def test_absence_is_proven_by_repetition(judge: object) -> None:
    assert callable(judge)
    for tries in range(3):
        assert isinstance(judge(tries), TemporaryFailure)
        assert judge(tries).reply.is_temporary
    assert isinstance(judge(3), PermanentFailure)
    assert judge(3).reply.is_permanent
