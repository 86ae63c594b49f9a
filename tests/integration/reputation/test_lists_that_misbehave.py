"""Lists of strangers, asked over the network: they may say anything, or nothing, and neither hurt nor are believed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from ipaddress import ip_address

import pytest

from chalicelib.adapters.network.resolver import DnsResolver
from chalicelib.adapters.scripted.time import ControlledClock
from chalicelib.config import Settings
from chalicelib.domain.dns.block_lists import LONGEST_TEXT, Standing, read_block_lists
from chalicelib.domain.outgoing.listed_sources import Told
from chalicelib.services.reputation import ask_lists
from chalicelib.services.reputation.ask_lists import AskLists
from tests.dns_zone import DnsZone
from tests.fakes import NOW
from tests.loopback import free_port
from tests.nsd import Nsd, needs_nsd, running

GOOD = "2.0.0.127 A 127.0.0.2\n"
LISTED = "1.2.0.192 A 127.0.0.4\n"
ADDRESS, OTHER = "192.0.2.1", "192.0.2.2"
SIX_TWO = ip_address("::ffff:7f00:2").reverse_pointer.removesuffix(".ip6.arpa")
STRINGS = " ".join('"' + "x" * 255 + '"' for _ in range(200))
ZONES = {
    "good.test": GOOD + LISTED + '1.2.0.192 TXT "Spam was seen"\n',
    "six.test": f"{GOOD}1.0.0.0.{'0.' * 20}8.b.d.0.1.0.0.2 A 127.0.0.3\n",
    "only-six.test": f"{SIX_TWO} A 127.0.0.2\n1.0.0.0.{'0.' * 20}8.b.d.0.1.0.0.2 A 127.0.0.3\n",
    "all-six.test": f"{GOOD}*.0.0.0 A 127.0.0.2\n*.1.0.0.2 A 127.0.0.2\n*.f.f.f.f{'.0' * 20} A 127.0.0.2\n",
    "huge.test": f"{GOOD}{LISTED}1.2.0.192 TXT {STRINGS}\n",
    "many.test": GOOD + "".join(f"1.2.0.192 A 127.1.{n >> 8}.{n & 255}\n" for n in range(1_000)),
    "texts.test": GOOD
    + LISTED
    + "".join(f'1.2.0.192 TXT "{n} {"y" * 50}"\n' for n in range(1_000)),
    "odd.test": GOOD + LISTED + '1.2.0.192 TXT "\\027[2Jclear \\226\\128\\174away"\n',
    "loop.test": f"{GOOD}1.2.0.192 CNAME a\na CNAME b\nb CNAME a\n",
    "all.test": "* A 127.0.0.2\n",
    "parked.test": "* A 203.0.113.9\n",
    "refusing.test": "* A 127.255.255.254\n",
    "empty.test": "www A 192.0.2.80\n",
    "names.test": 'test A 127.0.1.2\nbad.test A 127.0.1.4\nbad.test TXT "Bad"\n',
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A name server that has these lists, and refuses to answer for others."""
    port = free_port()
    lists = Nsd("127.0.0.2", port, ZONES)
    with running(lists, tmp_path_factory.mktemp("nsd") / "lists"):
        yield f"127.0.0.2:{port}"


async def ask(server: str, text: str, *addresses: str, patience: float = 5.0) -> Told:
    resolver = DnsResolver(Settings(dns_server=server), ControlledClock(NOW), try_seconds=2.0)
    asking = AskLists(resolver, patience)
    names = ("bad.test", "good.example")
    (told,) = await asking.ask(read_block_lists(text), addresses or (ADDRESS, OTHER), names)
    return told


@needs_nsd
async def test_a_list_that_works_tells_what_it_lists_and_why(server: str) -> None:
    told = await ask(server, "good.test")
    assert (told.listed, told.unlisted, told.is_whole) == (
        {ADDRESS: "Spam was seen"},
        {OTHER},
        True,
    )
    six = await ask(server, "six.test", "2001:db8::1", "2001:db8::2")
    assert (six.listed, six.unlisted) == ({"2001:db8::1": ""}, {"2001:db8::2"})
    assert (await ask(server, "only-six.test", "2001:db8::1")).listed == six.listed
    names = await ask(server, "rhs:names.test")
    assert (names.listed, names.unlisted) == ({"bad.test": "Bad"}, {"good.example"})
    narrow = await ask(server, "good.test=127.0.0.9")
    assert (narrow.listed, narrow.unlisted) == ({}, {ADDRESS, OTHER})


@needs_nsd
@pytest.mark.parametrize(
    ("zone", "standing"),
    [
        ("all.test", Standing.LISTING_ALL),
        ("all-six.test", Standing.LISTING_ALL),
        ("parked.test", Standing.LISTING_NONE),
        ("empty.test", Standing.LISTING_NONE),
        ("refusing.test", Standing.REFUSING),
        ("nobody.test", Standing.SILENT),  # REFUSED
    ],
)
async def test_a_list_that_fails_its_test_is_asked_nothing_else(
    server: str, zone: str, standing: Standing
) -> None:
    told = await ask(server, zone)
    assert (told.standing, told.listed, told.unlisted) == (standing, {}, set())


@needs_nsd
@pytest.mark.parametrize(("zone", "text"), [("huge.test", "x" * 159 + "…"), ("texts.test", "")])
async def test_the_text_of_a_list_is_bounded(server: str, zone: str, text: str) -> None:
    told = await ask(server, zone)
    assert told.listed == {ADDRESS: text}
    assert len(text) <= LONGEST_TEXT


@needs_nsd
async def test_the_text_of_a_list_does_nothing_to_a_screen(server: str) -> None:
    assert (await ask(server, "odd.test")).listed == {ADDRESS: "[2Jclear away"}


@needs_nsd
async def test_a_thousand_answers_are_none(server: str) -> None:
    told = await ask(server, "many.test")
    assert (told.listed, told.unlisted, told.is_whole) == ({}, {OTHER}, False)


@needs_nsd
async def test_a_circle_of_aliases_ends(server: str) -> None:
    told = await ask(server, "loop.test")
    assert (told.listed, told.standing) == ({}, Standing.GOOD)


async def test_a_list_that_never_answers_keeps_no_other_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with DnsZone() as zone:
        for name in ("good.test", "late.test"):
            zone.a(f"2.0.0.127.{name}", "127.0.0.2")
            zone.a(f"1.2.0.192.{name}", "127.0.0.4")
        for name in ("2.0.0.127.dead.test", "1.0.0.127.dead.test", "1.2.0.192.late.test"):
            zone.fail(name, "TIMEOUT")
        resolver = DnsResolver(
            Settings(dns_server=zone.server), ControlledClock(NOW), try_seconds=60.0
        )
        monkeypatch.setattr(ask_lists, "LIST_SECONDS", 0.5)
        lists = read_block_lists("dead.test,good.test,late.test")
        dead, good, late = await AskLists(resolver, 1.0).ask(lists, [ADDRESS], [])
    assert (dead.standing, dead.listed) == (Standing.SILENT, {})
    assert good.listed == {ADDRESS: ""}
    assert (late.standing, late.listed, late.is_whole) == (Standing.GOOD, {}, False)
    heard = {name for name, _, _ in zone.queries}
    assert "1.2.0.192.dead.test" not in heard


async def test_few_questions_of_one_list_are_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    under_way, most = 0, 0
    resolver = DnsResolver(Settings(dns_server="127.0.0.1:9"), ControlledClock(NOW))

    async def addresses(name: str, *, whole: bool = False) -> tuple[str, ...]:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1
        return ("127.0.0.2",) if name.startswith("2.0.0.127.") else ()

    monkeypatch.setattr(resolver, "addresses", addresses)
    many = [f"198.51.{n >> 8}.{n & 255}" for n in range(500)]
    (told,) = await AskLists(resolver).ask(read_block_lists("bl.test"), many, ())
    assert len(told.unlisted) == 500
    assert most == ask_lists.AT_ONCE
