"""Organizations and mail servers of Postal as ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from chalicelib.domain.numbering import OrganizationId, ServerId
from chalicelib.domain.postal.rows import Row, decimal, mark, moment, number, text, uuid_of
from chalicelib.domain.postal.time_zones import iana_zone
from chalicelib.domain.postal.wanted import Note, Wanted, refused, told
from chalicelib.domain.tenancy.organizations import ORGANIZATIONS, Organization
from chalicelib.domain.tenancy.permalink import LONGEST
from chalicelib.domain.tenancy.pools import FIRST_DEFAULT
from chalicelib.domain.tenancy.servers import SERVERS, Server, ServerMode

LONGEST_NAME = 100
ENDLESS: dict[str, int] = {
    "message_retention_days": 0,
    "raw_message_retention_days": -1,
    "raw_message_retention_size": 0,
}
Found = tuple[Wanted | None, list[Note]]


@dataclass(frozen=True, slots=True)
class Pools:
    """The pools of Postal that are there with us, by Postal's number, and those that an organization may use."""

    names: dict[int, str]
    of_organizations: dict[int, tuple[str, ...]]


NO_POOLS = Pools({}, {})


def plain_name(given: str | None, usual: str) -> str:
    """A name as we take it: printable, and not too long."""
    shown = "".join(one for one in given or "" if one.isprintable()).strip()
    return shown[:LONGEST_NAME].rstrip() or usual


def organization_of(row: Row, identifier: OrganizationId, pools: Pools = NO_POOLS) -> Found:
    """An organization."""
    permalink = text(row, "permalink") or ""
    what = f"organization {permalink}"
    if not permalink or len(permalink) > LONGEST:
        return None, [refused(what, f"its permalink is longer than {LONGEST} characters, or empty")]
    notes = []
    zone = iana_zone(text(row, "time_zone"))
    if zone is None:
        notes.append(told(what, f"its time zone {text(row, 'time_zone')} is not known: UTC"))
    suspended = moment(row, "suspended_at")
    value = Organization(
        id=identifier,
        permalink=permalink,
        name=plain_name(text(row, "name"), permalink),
        uuid=uuid_of(row, "organizations"),
        created_at=moment(row, "created_at") or 0,
        suspended_at=suspended,
        suspension_reason=_reason(row) if suspended is not None else None,
        time_zone=zone or "UTC",
        pools=pools.of_organizations.get(number(row, "id") or 0, ()),
    )
    return Wanted("organizations", value.uuid, what, ORGANIZATIONS, value), notes


def server_of(
    row: Row, organization: Organization, identifier: ServerId, pools: Pools = NO_POOLS
) -> Found:
    """A mail server of an organization."""
    permalink = text(row, "permalink") or ""
    what = f"server {organization.permalink}/{permalink}"
    token = text(row, "token")
    if not permalink or len(permalink) > LONGEST or token is None:
        why = f"its permalink is longer than {LONGEST} characters or empty, or it has no token"
        return None, [refused(what, why)]
    notes = _server_notes(row, what, pools)
    pool = number(row, "ip_pool_id")
    limit = number(row, "send_limit")
    suspended = moment(row, "suspended_at")
    spam, failure = decimal(row, "spam_threshold"), decimal(row, "spam_failure_threshold")
    value = Server(
        id=identifier,
        organization_id=organization.id,
        organization_permalink=organization.permalink,
        permalink=permalink,
        name=plain_name(text(row, "name"), permalink),
        token=token,
        uuid=uuid_of(row, "servers"),
        created_at=moment(row, "created_at") or 0,
        mode=ServerMode.DEVELOPMENT if text(row, "mode") == "Development" else ServerMode.LIVE,
        pool=pools.names.get(pool or 0, FIRST_DEFAULT),
        send_limit=limit if limit else None,
        spam_threshold=5.0 if spam is None else spam,
        spam_failure_threshold=20.0 if failure is None else failure,
        outbound_spam_threshold=decimal(row, "outbound_spam_threshold"),
        postmaster_address=text(row, "postmaster_address"),
        allow_sender=mark(row, "allow_sender"),
        privacy_mode=mark(row, "privacy_mode"),
        suspended_at=suspended,
        suspension_reason=_reason(row) if suspended is not None else None,
        organization_suspended=organization.suspended_at is not None,
        organization_limits=organization.limits,
    )
    return Wanted("servers", value.uuid, what, SERVERS, _keeping(value, row)), notes


def _keeping(server: Server, row: Row) -> Server:
    """The server with what it keeps for how long."""
    kept: dict[str, Any] = retention_of(row)
    return replace(server, **kept)


def retention_of(row: Row) -> dict[str, int]:
    """For how long mail is kept, as a server says it here: what is null there has no end."""
    return {
        name: endless if (given := number(row, name)) is None else given
        for name, endless in ENDLESS.items()
    }


def _server_notes(row: Row, what: str, pools: Pools) -> list[Note]:
    notes = []
    pool = number(row, "ip_pool_id")
    if pools.names and pool is not None and pool not in pools.names:
        notes.append(told(what, "its IP pool is not there: its mail leaves by the default pool"))
    if mark(row, "log_smtp_data"):
        notes.append(told(what, "it logs SMTP data in Postal: content never goes into logs here"))
    limit = number(row, "send_limit")
    if limit is not None and limit < 1:
        notes.append(told(what, f"its send limit of {limit} is none here: suspend it instead"))
    if text(row, "domains_not_to_click_track"):
        why = "domains that are not click-tracked are told by track domains here, as since Postal 1"
        notes.append(told(what, why))
    return notes


def _reason(row: Row) -> str | None:
    reason = text(row, "suspension_reason")
    return None if reason is None else plain_name(reason, "") or None


def pools_of(assigned: Sequence[Row], known: dict[int, str]) -> Pools:
    """The pools that are there with us: `known` are their names by Postal's number."""
    of_organizations: dict[int, list[str]] = {}
    for row in assigned:
        name = known.get(number(row, "ip_pool_id") or 0)
        if name is not None:
            of_organizations.setdefault(number(row, "organization_id") or 0, []).append(name)
    found = {key: tuple(sorted(set(names))) for key, names in of_organizations.items()}
    return Pools(known, found)
