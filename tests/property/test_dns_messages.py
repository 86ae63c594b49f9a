"""DNS answers read the same as by an independent library; foreign bytes are bounded and never crash
the reader."""

from __future__ import annotations

import contextlib
import struct
import time
from ipaddress import IPv4Address, IPv6Address
from typing import Any

import dnslib
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chalicelib.domain.dns.message import (
    KINDS,
    BadMessage,
    BadName,
    query_of,
    question_of,
    read_answer,
)
from chalicelib.domain.dns.zone_answer import read_zone_answer

LABEL = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_", min_size=1, max_size=20)
NAME = st.lists(LABEL, min_size=1, max_size=5).map(".".join)
TTL = st.integers(0, 2**31 - 1)
RECORD: dict[str, Any] = {
    "A": st.ip_addresses(v=4).map(lambda value: (dnslib.A(str(value)), str(value))),
    "AAAA": st.ip_addresses(v=6).map(lambda value: (dnslib.AAAA(str(value)), str(value))),
    "MX": st.tuples(NAME, st.integers(0, 65535)).map(
        lambda pair: (dnslib.MX(pair[0], pair[1]), (pair[1], pair[0]))
    ),
    "NS": NAME.map(lambda name: (dnslib.NS(name), name)),
    "PTR": NAME.map(lambda name: (dnslib.PTR(name), name)),
    "TXT": st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=200).map(
        lambda text: (dnslib.TXT(text), text)
    ),
}
QUESTION = question_of("example.test", "MX")
READERS = (read_answer, read_zone_answer)


@st.composite
def replies(draw: st.DrawFn) -> tuple[str, str, bytes, list[object], int]:
    """Name, type, a reply packed (and so compressed) by dnslib, its values and its shortest TTL."""
    kind = draw(st.sampled_from(sorted(RECORD)))
    name = draw(NAME)
    reply = dnslib.DNSRecord(dnslib.DNSHeader(id=7, qr=1), q=dnslib.DNSQuestion(name, KINDS[kind]))
    owner, holds = name, []
    for alias in draw(st.lists(NAME, max_size=2, unique=True)):
        if alias != name:
            ttl = draw(TTL)
            reply.add_answer(
                dnslib.RR(owner, dnslib.QTYPE.CNAME, ttl=ttl, rdata=dnslib.CNAME(alias))
            )
            owner = alias
            holds.append(ttl)
    values = []
    for data, value in draw(st.lists(RECORD[kind], min_size=1, max_size=5)):
        ttl = draw(TTL)
        reply.add_answer(dnslib.RR(owner, KINDS[kind], ttl=ttl, rdata=data))
        values.append(value)
        holds.append(ttl)
    return name, kind, bytes(reply.pack()), values, min(holds)


@given(replies())
def test_answers_read_as_an_independent_library_wrote_them(
    reply: tuple[str, str, bytes, list[object], int],
) -> None:
    name, kind, data, values, seconds = reply
    answer = read_answer(data, 7, question_of(name, kind))
    assert list(answer.values) == values
    assert (answer.code, answer.seconds, answer.truncated) == (0, seconds, False)


@given(replies())
def test_what_a_zone_says_reads_as_an_independent_library_wrote_it(
    reply: tuple[str, str, bytes, list[object], int],
) -> None:
    name, kind, data, values, _ = reply
    answer = read_zone_answer(data, 7, question_of(name, kind))
    links = [one for one in dnslib.DNSRecord.parse(data).rr if one.rtype == KINDS["CNAME"]]
    assert list(answer.values) == (values if not links else [])
    assert answer.alias == (str(links[0].rdata.label).rstrip(".") if links else None)
    assert (answer.code, answer.size, answer.authoritative) == (0, len(data), False)


@given(
    NAME,
    st.lists(NAME, min_size=1, max_size=5, unique=True),
    st.lists(st.ip_addresses(v=4) | st.ip_addresses(v=6), max_size=3),
)
def test_referrals_read_as_an_independent_library_wrote_them(
    zone: str, servers: list[str], addresses: list[IPv4Address | IPv6Address]
) -> None:
    assume(f"not.{servers[0]}" not in servers)
    question = question_of(f"a.{zone}", "TXT")
    packed = dnslib.DNSRecord(dnslib.DNSHeader(id=7, qr=1), q=dnslib.DNSQuestion(f"a.{zone}", 16))
    packed.add_auth(*(dnslib.RR(zone, 2, rdata=dnslib.NS(server)) for server in servers))
    packed.add_ar(dnslib.EDNS0())
    for address in addresses:
        kind, data = (1, dnslib.A) if address.version == 4 else (28, dnslib.AAAA)
        packed.add_ar(dnslib.RR(servers[-1], kind, rdata=data(str(address))))
        packed.add_ar(dnslib.RR(f"not.{servers[0]}", kind, rdata=data(str(address))))
    found = read_zone_answer(bytes(packed.pack()), 7, question).referral
    assert found is not None
    assert (found.zone, found.servers) == (zone, tuple(servers))
    assert found.addresses == ({servers[-1]: tuple(map(str, addresses))} if addresses else {})


@given(NAME, st.sampled_from(sorted(KINDS)), st.integers(0, 65535), st.booleans(), st.booleans())
def test_an_independent_library_reads_our_questions(
    name: str, kind: str, number: int, extended: bool, recursive: bool
) -> None:
    parsed = dnslib.DNSRecord.parse(query_of(number, question_of(name, kind), extended, recursive))
    assert (parsed.header.id, parsed.header.rd, parsed.header.qr) == (number, recursive, 0)
    assert str(parsed.q.qname).rstrip(".") == name
    assert parsed.q.qtype == KINDS[kind]
    assert len(parsed.ar) == extended


@given(st.binary(max_size=400))
def test_any_bytes_are_an_answer_or_a_bad_message(data: bytes) -> None:
    head = struct.pack("!6H", 7, 0x8180, 1, 3, 2, 0)
    for message in (data, head + data, head + QUESTION + data):
        for read in READERS:
            with contextlib.suppress(BadMessage):
                read(message, 7, QUESTION)


@given(replies(), st.data())
def test_a_damaged_answer_is_an_answer_or_a_bad_message(
    reply: tuple[str, str, bytes, list[object], int], data: st.DataObject
) -> None:
    name, kind, whole, *_ = reply
    damaged = bytearray(whole[: data.draw(st.integers(0, len(whole)))])
    for _ in range(data.draw(st.integers(0, 4))):
        if damaged:
            damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    for read in READERS:
        with contextlib.suppress(BadMessage):
            read(bytes(damaged), 7, question_of(name, kind))


def message(*records: bytes, flags: int = 0x8180, authorities: int = 0) -> bytes:
    head = struct.pack("!6H", 7, flags, 1, len(records) - authorities, authorities, 0)
    return head + QUESTION + b"".join(records)


def record(kind: int, data: bytes, owner: bytes = b"\xc0\x0c", ttl: int = 60) -> bytes:
    return owner + struct.pack("!HHIH", kind, 1, ttl, len(data)) + data


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        message()[:11],
        struct.pack("!6H", 8, 0x8180, 1, 0, 0, 0) + QUESTION,
        struct.pack("!6H", 7, 0x0100, 1, 0, 0, 0) + QUESTION,
        struct.pack("!6H", 7, 0x8180, 1, 0, 0, 0) + question_of("other.test", "MX"),
        struct.pack("!6H", 7, 0x8180, 2, 0, 0, 0) + QUESTION,
        struct.pack("!6H", 7, 0x8180, 0, 0, 0, 0),
        struct.pack("!6H", 7, 0x8180, 1, 401, 0, 0) + QUESTION,
        message(record(15, b"\0\x0a\xc0\x2c")),
        message(record(15, b"\0\x0a\xc0\xff")),
        message(record(15, b"\0\x0a\x41" + b"x" * 65 + b"\0")),
        message(record(15, b"\0\x0a" + (b"\x3f" + b"x" * 63) * 4 + b"\0")),
        message(record(15, b"\0")),
    ],
)
def test_what_does_not_answer_the_question_is_bad(bad: bytes) -> None:
    for read in READERS:
        with pytest.raises(BadMessage):
            read(bad, 7, QUESTION)


def test_addresses_of_the_wrong_length_are_bad() -> None:
    for kind, data in (("A", b"\1\2\3"), ("AAAA", b"\1\2\3\4")):
        question = question_of("example.test", kind)
        head = struct.pack("!6H", 7, 0x8180, 1, 1, 0, 0)
        with pytest.raises(BadMessage):
            read_answer(head + question + record(KINDS[kind], data), 7, question)


def test_records_of_other_owners_and_types_are_left_out() -> None:
    other = record(15, b"\0\x0a\xc0\x0c", owner=b"\4evil\0")
    answer = read_answer(message(other, record(1, b"\1\2\3\4")), 7, QUESTION)
    assert answer.values == ()


def test_odd_octets_in_a_name_are_shown_and_cannot_be_asked_for() -> None:
    [value] = read_answer(message(record(15, b"\0\x0a\4a b.\2\x00\xff\0")), 7, QUESTION).values
    assert value == (10, r"a\032b\046.\000\255")
    with pytest.raises(BadName):
        question_of(str(value[1]), "A")


def test_absence_holds_as_long_as_the_zone_says() -> None:
    soa = record(6, b"\0\0" + struct.pack("!5I", 1, 2, 3, 4, 30), ttl=3600)
    answer = read_answer(message(soa, flags=0x8183, authorities=1), 7, QUESTION)
    assert (answer.code, answer.values, answer.seconds) == (3, (), 30)
    assert read_answer(message(), 7, QUESTION).seconds is None


def test_a_refusal_without_the_question_and_a_cut_answer_are_told() -> None:
    assert read_answer(struct.pack("!6H", 7, 0x8181, 0, 0, 0, 0), 7, QUESTION).code == 1
    assert read_answer(message(flags=0x8380), 7, QUESTION).truncated
    assert read_answer(message(record(15, b"\0\0\0")), 7, QUESTION).values == ((0, ""),)


def test_a_negative_ttl_is_none_at_all() -> None:
    assert read_answer(message(record(15, b"\0\0\0", ttl=2**31)), 7, QUESTION).seconds == 0


@pytest.mark.parametrize(
    "name", ["", ".", "a..b", "x" * 64, "a b", "ä", "a.\n", "a\\046b", "ab." * 90]
)
def test_what_can_be_no_name(name: str) -> None:
    with pytest.raises(BadName):
        question_of(name, "A")


def test_pointer_chains_cost_in_proportion() -> None:
    """Each record's name points at the one before: the worst that pointing backwards allows."""

    def cost(count: int) -> float:
        records, at = [], 12 + len(QUESTION)
        pointer = b"\xc0\x0c"
        for _ in range(count):
            records.append(record(16, b"", owner=b"\1a" + pointer))
            pointer = struct.pack("!H", 0xC000 | at) if at < 0x4000 else pointer
            at += len(records[-1])
        best = 9.0
        for _ in range(3):
            begin = time.process_time()
            with contextlib.suppress(BadMessage):
                read_answer(message(*records), 7, QUESTION)
            best = min(best, time.process_time() - begin)
        return best

    assert cost(400) < 40 * cost(100) + 0.02
