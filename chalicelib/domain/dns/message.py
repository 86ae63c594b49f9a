"""DNS messages as bytes: one question out, one answer in (RFC 1035, RFC 6891).

Knows the seven record types that mail asks for. An answer is read in time proportional to its length:
a compressed name may only point backwards, and no name is longer than 255 octets. It says whether
bytes answer a question, but not whether they are true.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple

KINDS = {"A": 1, "NS": 2, "CNAME": 5, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28}
SOA = 6
NO_ERROR, FORMAT_ERROR, NXDOMAIN = 0, 1, 3
MOST_JUMPS = 64
MOST_RECORDS = 400

_HEADER = struct.Struct("!6H")
_RECORD = struct.Struct("!HHIH")
_POINTER_TO_QUESTION = b"\xc0\x0c"
_OPT = b"\0\0\x29\x04\xd0\0\0\0\0\0\0"  # root, OPT, 1,232 bytes of UDP payload, version 0
_UNPRINTABLE = re.compile(rb"[^!-\[\]-~]|[.]")

Value = str | tuple[int, str]


class BadMessage(ValueError):
    """Bytes that are no DNS message, or no answer to the question."""


class BadName(ValueError):
    """Text that can be no domain name."""


@dataclass(frozen=True, slots=True)
class DnsAnswer:
    """An answer: response code, values in the order given, and for how many seconds they (or their
    absence) hold.  `seconds` is None when the answer does not say. An answer that was cut short has
    `truncated` set."""

    code: int
    values: tuple[Value, ...]
    seconds: int | None
    truncated: bool


def question_of(name: str, kind: str) -> bytes:
    """The question section for an ASCII name. Raises BadName."""
    wire = b"".join(_label(label) for label in name.rstrip(".").split(".")) + b"\0"
    if len(wire) > 255:
        raise BadName("The name is too long.")
    return wire + struct.pack("!HH", KINDS[kind], 1)


def query_of(number: int, question: bytes, extended: bool = True, recursive: bool = True) -> bytes:
    """The message that asks; `extended` allows answers over 512 bytes, `recursive` wants others to be asked."""
    head = _HEADER.pack(number, 0x0100 if recursive else 0, 1, 0, 0, 1 if extended else 0)
    return head + question + (_OPT if extended else b"")


def read_answer(data: bytes, number: int, question: bytes) -> DnsAnswer:
    """Read what came for a question. Raises BadMessage when it is no answer to it."""
    head = read_head(data, number, question)
    if head.truncated or not head.sections:
        return DnsAnswer(head.code, (), None, head.truncated)
    answers, authorities, _ = head.sections
    try:
        records = list(records_in(data, 12 + len(question), answers + authorities))
        return _summary(data, head.code, question, records[:answers], records[answers:])
    except (struct.error, IndexError) as short:
        raise BadMessage("cut short") from short


class Head(NamedTuple):
    """What the header says. `sections`: how many records answer, stand for authority, and are additional; none when
    the server could not read the question."""

    code: int
    truncated: bool
    authoritative: bool
    sections: tuple[int, int, int] | tuple[()]


def read_head(data: bytes, number: int, question: bytes) -> Head:
    """The header of what came for a question. Raises BadMessage when it is no answer to it, or has too many records."""
    if len(data) < 12:
        raise BadMessage("too short")
    got, flags, questions, answers, authorities, additional = _HEADER.unpack_from(data)
    if got != number or not flags & 0x8000 or flags & 0x7800:
        raise BadMessage("not a response to this query")
    code, truncated, authoritative = flags & 15, bool(flags & 0x0200), bool(flags & 0x0400)
    if questions == 0 and code != NO_ERROR:
        return Head(code, truncated, authoritative, ())
    if questions != 1 or data[12 : 12 + len(question)].lower() != question.lower():
        raise BadMessage("another question")
    if answers + authorities > MOST_RECORDS:
        raise BadMessage("too many records")
    return Head(code, truncated, authoritative, (answers, authorities, additional))


class Record(NamedTuple):
    """A record of a message: its owner in lower case, type, seconds, and where its data lies."""

    owner: str
    kind: int
    seconds: int
    start: int
    end: int


def records_in(data: bytes, at: int, count: int) -> Iterator[Record]:
    """The records from an offset on. Raises BadMessage, or struct.error or IndexError for a message cut short."""
    asked = name_at(data, _HEADER.size)[0]
    for _ in range(count):
        if data[at : at + 2] == _POINTER_TO_QUESTION:
            owner, at = asked, at + 2
        else:
            owner, at = name_at(data, at)
        kind, _class, seconds, length = _RECORD.unpack_from(data, at)
        at += _RECORD.size
        if at + length > len(data):
            raise BadMessage("cut short")
        yield Record(owner, kind, 0 if seconds >> 31 else seconds, at, at + length)
        at += length


def _summary(
    data: bytes, code: int, question: bytes, answers: list[Record], authorities: list[Record]
) -> DnsAnswer:
    name, _ = name_at(question, 0)
    (wanted,) = struct.unpack_from("!H", question, len(question) - 4)
    values: list[Value] = []
    holds: list[int] = []
    for record in answers:
        if record.owner != name:
            continue
        if record.kind == wanted:
            values.append(value_of(data, record))
            holds.append(record.seconds)
        elif record.kind == KINDS["CNAME"]:
            name = name_at(data, record.start)[0]
            holds.append(record.seconds)
    if not values:
        holds += [_negative(data, record) for record in authorities if record.kind == SOA]
    return DnsAnswer(code, tuple(values), min(holds, default=None), truncated=False)


def value_of(data: bytes, record: Record) -> Value:
    """The value of a record of one of KINDS. Raises as `records_in`."""
    raw = data[record.start : record.end]
    if record.kind == KINDS["A"]:
        return str(IPv4Address(_exactly(raw, 4)))
    if record.kind == KINDS["AAAA"]:
        return str(IPv6Address(_exactly(raw, 16)))
    if record.kind == KINDS["MX"]:
        (preference,) = struct.unpack_from("!H", raw)
        return preference, name_at(data, record.start + 2)[0]
    if record.kind == KINDS["TXT"]:
        return _text(raw)
    return name_at(data, record.start)[0]


def _exactly(raw: bytes, length: int) -> bytes:
    if len(raw) != length:
        raise BadMessage("an address of the wrong length")
    return raw


def _text(raw: bytes) -> str:
    parts = []
    at = 0
    while at < len(raw):
        end = at + 1 + raw[at]
        parts.append(raw[at + 1 : end])
        at = end
    return b"".join(parts).decode("utf-8", "replace")


def _negative(data: bytes, record: Record) -> int:
    """For how long an absence holds (RFC 2308 §5)."""
    (minimum,) = struct.unpack_from("!I", data, record.end - 4)
    return min(record.seconds, int(minimum))


def _label(label: str) -> bytes:
    try:
        raw = label.encode("ascii")
    except UnicodeEncodeError as foreign:
        raise BadName("The name is not ASCII.") from foreign
    if not 1 <= len(raw) <= 63 or _UNPRINTABLE.search(raw):
        raise BadName("A part of the name is empty, too long, or holds what no name holds.")
    return bytes([len(raw)]) + raw


def name_at(data: bytes, at: int) -> tuple[str, int]:
    """The name at an offset, lower case, and the offset after it. Octets that no label of ours
    could hold are shown as `\\\\DDD`, which makes the name one that nobody can ask for."""
    labels: list[bytes] = []
    after = 0
    length = jumps = 0
    while (size := data[at]) != 0:
        if size >= 0xC0:
            target = (size & 0x3F) << 8 | data[at + 1]
            after = after or at + 2
            jumps += 1
            if target >= at or jumps > MOST_JUMPS:
                raise BadMessage("a name that points forward")
            at = target
            continue
        label = data[at + 1 : at + 1 + size]
        length += size + 1
        if size > 63 or len(label) < size or length > 254:
            raise BadMessage("a name that is too long")
        labels.append(label if label.isalnum() else _UNPRINTABLE.sub(_escaped, label))
        at += size + 1
    return b".".join(labels).decode("ascii").lower(), after or at + 1


def _escaped(match: re.Match[bytes]) -> bytes:
    return b"\\%03d" % match[0][0]
