"""From DNS answers to hosts in order, or to the reason why there are none."""

from __future__ import annotations

from itertools import count

import pytest

from chalicelib.domain.envelope import Envelope
from chalicelib.domain.errors import PermanentFailure, TemporaryFailure
from chalicelib.domain.outgoing.destination import (
    destination_of,
    hosts_in_order,
    literal_address,
    missing_domain,
    only_private_hosts,
)


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


def test_a_destination_is_what_the_command_will_say() -> None:
    quoted = Envelope("b@rp.test", '"a@b"@Example.COM')
    assert destination_of(quoted) == (quoted, "example.com")
    typed = Envelope("jürgen@bücher.test", "hans@STRAßE.test", smtputf8=True)
    sent, domain = destination_of(typed)
    assert (sent.mail_from, sent.rcpt_to, sent.smtputf8, domain) == (
        "jürgen@xn--bcher-kva.test",
        "hans@xn--strae-oqa.test",
        True,
        "xn--strae-oqa.test",
    )


@pytest.mark.parametrize(
    "address",
    ["", "nobody", "a@", "a@b@c.test", '"x@b.test> ORCPT=y@c.test"@d.test', "<@b.test:a@c.test>",
     "a@b.test(x)c.test", "a@b.test, c@d.test", "a@b.test\0.c.test"],
)  # fmt: skip
def test_what_is_no_mailbox_has_no_destination(address: str) -> None:
    with pytest.raises(PermanentFailure) as raised:
        destination_of(Envelope("", address))
    assert str(raised.value.reply) == "553 5.1.3 The recipient's address is malformed"


def test_literals() -> None:
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
