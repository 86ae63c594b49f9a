"""IP pools of Postal as pools of ours: what they are called, their addresses as sources, and rules."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from chalicelib.domain.numbering import OrganizationId, ServerId
from chalicelib.domain.postal.rows import Row, id_of, lines, mark, moment, number, text, uuid_of
from chalicelib.domain.postal.tenants import Found
from chalicelib.domain.postal.wanted import Wanted, refused
from chalicelib.domain.tenancy.pool_rules import POOL_RULES, PoolRule
from chalicelib.domain.tenancy.pools import FIRST_DEFAULT
from chalicelib.domain.tenancy.sources import SOURCES, EgressSource

_OTHER = re.compile(r"[^a-z0-9]+")
LONGEST_POOL = 32
MOST_LINES = 100


def pool_names(rows: Sequence[Row]) -> dict[int, str]:
    """What each pool is called here, by its number there: Postal's default one is ours, no two are called alike."""
    found: dict[int, str] = {}
    for row in sorted(rows, key=lambda one: (not mark(one, "default"), number(one, "id") or 0)):
        plain = _OTHER.sub("-", (text(row, "name") or "").lower()).strip("-")
        name = base = (
            FIRST_DEFAULT if mark(row, "default") else plain[:LONGEST_POOL].strip("-") or "pool"
        )
        count = 2
        while name in found.values() or (name == FIRST_DEFAULT and not mark(row, "default")):
            name = f"{base[: LONGEST_POOL - 4]}-{count}"
            count += 1
        found[number(row, "id") or 0] = name
    return found


def source_of(row: Row, pools: Mapping[int, str]) -> Found:
    """An address of a pool as a way out."""
    address = text(row, "ipv4") or ""
    what = f"IP address {address}"
    pool = pools.get(number(row, "ip_pool_id") or 0)
    if pool is None or not (address or text(row, "ipv6")):
        return None, [refused(what, "its pool is not there, or it has no address")]
    priority = number(row, "priority")
    name = f"postal-{number(row, 'id')}"
    value = EgressSource(
        name=name,
        pool=pool,
        address=address,
        address6=text(row, "ipv6") or "",
        ehlo=(text(row, "hostname") or "").lower(),
        priority=100 if priority is None else priority,
    )
    return Wanted("ip_addresses", name, what, SOURCES, value), []


def rule_of(
    row: Row, owner: tuple[OrganizationId, ServerId | None], pools: Mapping[int, str], order: int
) -> Found:
    """A pool rule."""
    pool = pools.get(number(row, "ip_pool_id") or 0)
    what = f"pool rule {uuid_of(row, 'ip_pool_rules')}"
    senders, recipients = (
        tuple(dict.fromkeys(one.lower() for one in lines(row, name)))
        for name in ("from_text", "to_text")
    )
    if pool is None:
        return None, [refused(what, "its pool is not there")]
    if not (senders or recipients) or max(len(senders), len(recipients)) > MOST_LINES:
        return None, [refused(what, f"it has no line, or more than {MOST_LINES}")]
    organization, server = owner
    value = PoolRule(
        id=id_of(row, "ip_pool_rules"),
        organization_id=organization,
        server_id=server,
        number=order,
        created_at=moment(row, "created_at") or 0,
        pool=pool,
        senders=senders,
        recipients=recipients,
    )
    return Wanted("ip_pool_rules", uuid_of(row, "ip_pool_rules"), what, POOL_RULES, value), []
