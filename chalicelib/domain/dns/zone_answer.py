"""What a name server says that is asked without recursion: an answer of its zone, or who else has the name.

Read as `chalicelib.domain.dns.message` reads, from bytes that strangers wrote, in time proportional to their length. An
alias is given as it stands, since its target may be another zone's; where others are named, whether they can be
believed is for the caller, who knows which zone the server was asked about.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from chalicelib.domain.dns.message import (
    KINDS,
    SOA,
    BadMessage,
    Record,
    Value,
    name_at,
    read_head,
    records_in,
    value_of,
)

MOST_ADDITIONAL = 100
MOST_SERVERS = 13


@dataclass(frozen=True, slots=True)
class Referral:
    """A zone below, its name servers, and addresses of those among them that the message gives."""

    zone: str
    servers: tuple[str, ...]
    addresses: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class ZoneAnswer:
    """One answer: response code, the values at the name itself, or what it is an alias for, or a referral.

    `authoritative`: the server says that the zone is its own. `size`: bytes of the message.
    """

    code: int
    size: int
    truncated: bool = False
    authoritative: bool = False
    values: tuple[Value, ...] = ()
    alias: str | None = None
    referral: Referral | None = field(default=None)

    @property
    def content(self) -> tuple[frozenset[Value], str | None]:
        """What two servers of a zone must have in common: values without their order, and alias."""
        return frozenset(self.values), self.alias


def read_zone_answer(data: bytes, number: int, question: bytes) -> ZoneAnswer:
    """Read what came for a question. Raises BadMessage when it is no answer to it."""
    head = read_head(data, number, question)
    if head.truncated or not head.sections:
        return ZoneAnswer(head.code, len(data), head.truncated)
    answers, authorities, additional = head.sections
    count = answers + authorities + min(additional, MOST_ADDITIONAL)
    try:
        records = list(records_in(data, 12 + len(question), count))
        values, alias = _at_name(data, question, records[:answers])
        referral = None
        if not answers:
            beyond = answers + authorities
            referral = _referral(data, records[:beyond], records[beyond:])
    except (struct.error, IndexError) as short:
        raise BadMessage("cut short") from short
    return ZoneAnswer(head.code, len(data), False, head.authoritative, values, alias, referral)


def _at_name(
    data: bytes, question: bytes, answers: Sequence[Record]
) -> tuple[tuple[Value, ...], str | None]:
    name, _ = name_at(question, 0)
    (wanted,) = struct.unpack_from("!H", question, len(question) - 4)
    here = [record for record in answers if record.owner == name]
    values = tuple(value_of(data, record) for record in here if record.kind == wanted)
    aliases = [record for record in here if record.kind == KINDS["CNAME"]]
    return values, name_at(data, aliases[0].start)[0] if aliases and not values else None


def _referral(
    data: bytes, authorities: Sequence[Record], additional: Sequence[Record]
) -> Referral | None:
    """With the start of authority of its zone a server says that there is nothing, whatever it names besides."""
    named = [record for record in authorities if record.kind == KINDS["NS"]]
    if not named or any(record.kind == SOA for record in authorities):
        return None
    zone = named[0].owner
    servers = dict.fromkeys(
        name_at(data, record.start)[0] for record in named if record.owner == zone
    )
    addresses: dict[str, tuple[str, ...]] = {}
    for record in additional:
        if record.owner in servers and record.kind in (KINDS["A"], KINDS["AAAA"]):
            known = addresses.get(record.owner, ())
            addresses[record.owner] = (*known, str(value_of(data, record)))
    return Referral(zone, tuple(servers)[:MOST_SERVERS], addresses)
