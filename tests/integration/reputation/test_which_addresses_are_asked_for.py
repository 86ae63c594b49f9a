"""Which addresses lists are asked for: those that receivers see, wherever a source's own ones hide."""

from __future__ import annotations

import pytest

from chalicelib.adapters.scripted.resolver import ScriptedResolver
from chalicelib.config import Settings
from chalicelib.domain.tenancy.sources import EgressKind, EgressSource
from chalicelib.services.pools.look_at_sources import OutwardAddresses
from chalicelib.services.reputation.own_addresses import MOST_NAMES, OwnAddresses

DIRECT, PROXY, RELAY = EgressKind.DIRECT, EgressKind.SOCKS5, EgressKind.SMARTHOST
SETTINGS = Settings(smtp_hostname="mail.acme.test", web_hostname="post.acme.test")
ZONE = {
    "mail.acme.test": {"A": ["198.51.100.1"], "AAAA": ["2001:db8::1"]},
    "out.acme.test": {"A": ["198.51.100.2", "10.0.0.2"]},
}


class Outward(OutwardAddresses):
    def found(self) -> tuple[str, ...]:
        return ("198.51.100.9", "fd00::9")


def own(settings: Settings = SETTINGS, outward: OutwardAddresses | None = None) -> OwnAddresses:
    return OwnAddresses(settings, ScriptedResolver(ZONE), outward or OutwardAddresses())


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            EgressSource("a", address="192.0.2.1", address6="2001:db8::7"),
            ("192.0.2.1", "2001:db8::7"),
        ),
        (EgressSource("a", address="10.0.0.2", ehlo="out.acme.test"), ("198.51.100.2",)),
        (EgressSource("a", address="10.0.0.2"), ("2001:db8::1", "198.51.100.1")),
        (EgressSource("a"), ("2001:db8::1", "198.51.100.1")),
        (EgressSource("a", kind=PROXY, address="192.0.2.3"), ("192.0.2.3",)),
        (
            EgressSource("a", kind=PROXY, address="10.0.0.3", ehlo="out.acme.test"),
            ("198.51.100.2",),
        ),
        (EgressSource("a", kind=PROXY, address="10.0.0.3"), ()),
        (EgressSource("a", kind=RELAY, host="smtp.acme.test", ehlo="out.acme.test"), ()),
        (EgressSource("a", ehlo="nothing.acme.test"), ()),
    ],
)
async def test_addresses_are_those_that_the_world_sees(
    source: EgressSource, expected: tuple[str, ...]
) -> None:
    assert await own().of(source) == expected


async def test_the_systems_choice_is_known_on_one_host() -> None:
    assert await own(outward=Outward()).of(EgressSource("a")) == ("198.51.100.9",)


async def test_nobody_knows_while_the_dns_fails_and_examples_are_not_asked_for() -> None:
    resolver = ScriptedResolver(ZONE)
    resolver.fail("mail.acme.test")
    unknown = OwnAddresses(SETTINGS, resolver, OutwardAddresses())
    assert await unknown.of(EgressSource("a")) is None
    example = OwnAddresses(Settings(), resolver, OutwardAddresses())
    assert await example.of(EgressSource("a")) == ()
    assert example.names(()) == ()


def test_names_are_ours_and_what_was_registered_of_them() -> None:
    sources = [EgressSource("a", ehlo="Out.mail.test"), EgressSource("b")]
    assert own().names(sources) == (
        "post.acme.test",
        "acme.test",
        "mail.acme.test",
        "out.mail.test",
        "mail.test",
    )
    many = [EgressSource("a", ehlo=f"out.d{number}.test") for number in range(500)]
    assert len(own().names(many)) == MOST_NAMES
