"""The local zone: all mail ends here, what we tell customers to publish is published, some names misbehave."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import dns.exception
import dns.resolver
import pytest

from chalicelib.domain.errors import TemporaryFailure
from infra.local.dns import Published, Zone, serve
from infra.local.plan import any_free_port

KEY = "v=DKIM1; t=s; h=sha256; p=" + "A" * 400


class World:
    """What is published at the moment; `away` makes asking fail."""

    def __init__(self) -> None:
        self.records: list[Published] = []
        self.away = False
        self.asked = 0

    def __call__(self) -> list[Published]:
        self.asked += 1
        if self.away:
            raise TemporaryFailure("away")
        return self.records


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def resolver(world: World) -> Iterator[dns.resolver.Resolver]:
    port = any_free_port(set(), udp_too=True)
    fixed = [Published("TXT", "rp.posthorn.test", "v=spf1 -all")]
    servers = serve(Zone(fixed, world, "psrp"), port)
    asking = dns.resolver.Resolver(configure=False)
    asking.nameservers = ["127.0.0.1"]
    asking.port = port
    asking.lifetime = 2
    yield asking
    for server in servers:
        server.stop()
        server.server.server_close()


def answers(resolver: dns.resolver.Resolver, name: str, kind: str, tcp: bool = False) -> list[str]:
    try:
        return [each.to_text() for each in resolver.resolve(name, kind, tcp=tcp)]
    except dns.resolver.NoAnswer:
        return []


def test_every_name_receives_mail_here(resolver: dns.resolver.Resolver, world: World) -> None:
    names = ("example.com", "a.b.c.example", "XN--EXAMPLE.test")
    for name in names:
        assert answers(resolver, name, "A") == ["127.0.0.1"]
        assert answers(resolver, name, "AAAA") == []
    assert answers(resolver, "1.0.0.127.in-addr.arpa", "PTR") == ["inbox.posthorn.test."]
    assert world.asked == 0
    for name in names:  # any of them may be a domain that was added just now
        assert answers(resolver, name, "MX") == ["10 inbox.posthorn.test."]


def test_a_domain_of_ours_has_the_exchangers_that_we_want(
    resolver: dns.resolver.Resolver, world: World
) -> None:
    assert answers(resolver, "new.test", "MX") == ["10 inbox.posthorn.test."]
    world.records = [
        Published("MX", "new.test", f"10 mx{number}.posthorn.test") for number in (1, 2)
    ]
    found = answers(resolver, "new.test", "MX")
    assert sorted(found) == ["10 mx1.posthorn.test.", "10 mx2.posthorn.test."]


def test_a_key_is_there_as_soon_as_it_is_published(
    resolver: dns.resolver.Resolver, world: World
) -> None:
    name = "s._domainkey.new.test"
    assert answers(resolver, name, "TXT") == []
    world.records = [
        Published("TXT", name, KEY),
        Published("CNAME", "psrp.new.test", "rp.posthorn.test"),
    ]
    for tcp in (False, True):
        text = answers(resolver, name, "TXT", tcp)[0].replace('" "', "").strip('"')
        assert text == KEY
    assert answers(resolver, "psrp.new.test", "CNAME") == ["rp.posthorn.test."]
    assert answers(resolver, "psrp.new.test", "TXT") == ['"v=spf1 -all"']
    world.away = True
    assert answers(resolver, name, "TXT") != []
    assert answers(resolver, "other.test", "TXT") == []


def test_names_that_misbehave(resolver: dns.resolver.Resolver) -> None:
    with pytest.raises(dns.resolver.NXDOMAIN):
        resolver.resolve("nowhere.invalid", "MX")
    with pytest.raises(dns.resolver.NoNameservers):
        resolver.resolve("a.servfail.test", "A")
    assert answers(resolver, "nullmx.test", "MX") == ["0 ."]


def test_rubbish_is_ignored(resolver: dns.resolver.Resolver) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        for rubbish in (b"", b"\x00", b"\xff" * 500, b"\x00\x01\x01\x00\x00\x01" + b"\xc0" * 50):
            client.sendto(rubbish, ("127.0.0.1", resolver.port))
    assert answers(resolver, "example.com", "A") == ["127.0.0.1"]


def test_an_alias_that_is_asked_for_is_looked_for_anew(
    resolver: dns.resolver.Resolver, world: World
) -> None:
    assert answers(resolver, "track.acme.test", "A") == ["127.0.0.1"]
    assert world.asked == 0  # not every address may be an alias
    world.records.append(Published("CNAME", "track.acme.test", "track.posthorn.test"))
    assert answers(resolver, "track.acme.test", "CNAME") == ["track.posthorn.test."]
