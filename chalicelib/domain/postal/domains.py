"""Sending domains and track domains of Postal as ours, with their keys under the selectors that DNS has."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from chalicelib.domain.domain_name import typed_name
from chalicelib.domain.numbering import OrganizationId
from chalicelib.domain.postal.config import Names
from chalicelib.domain.postal.rows import Row, lines, mark, moment, number, text, uuid_of
from chalicelib.domain.postal.tenants import Found
from chalicelib.domain.postal.wanted import Note, Wanted, refused, told
from chalicelib.domain.tenancy.dkim_key import RSA, DkimKey
from chalicelib.domain.tenancy.domains import DOMAINS, Domain, VerificationMethod, VerifiedBy
from chalicelib.domain.tenancy.servers import Server
from chalicelib.domain.tenancy.track_domains import TRACK_DOMAINS, DnsStatus, TrackDomain

OK = "OK"
MOST_EXCLUDED = 100


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose domains they are: a server, or (None) an organization; `named` is what people call it."""

    organization: OrganizationId
    server: Server | None
    named: str


@dataclass(frozen=True, slots=True)
class PublicKey:
    """The public half of a domain's key as the text of `p=`, and the private one as PKCS#8 DER."""

    public: str
    private: bytes


def domain_of(
    row: Row, owner: Owner, key: PublicKey | None, names: tuple[Names, Names], routed: bool
) -> Found:
    """A sending domain. `names` are Postal's and ours: what points to another name is no return path here. `routed`:
    mail for it comes in."""
    given = text(row, "name") or ""
    what = f"domain {given} of {owner.named}"
    name = typed_name(given)
    if name is None or len(name) > 253:
        return None, [refused(what, "this is no domain name")]
    postal, ours = names
    notes = _of_key(what, key)
    identifier = text(row, "dkim_identifier_string") or ""
    made = moment(row, "created_at") or 0
    verified = moment(row, "verified_at")
    is_ok = text(row, "dkim_status") == OK
    selector = f"{postal.dkim_identifier}-{identifier}"
    keys = () if key is None else (DkimKey(name, selector, RSA, b"", key.public, made, is_ok),)
    by_mail = text(row, "verification_method") == VerificationMethod.EMAIL.value
    value = Domain(
        name=name,
        organization_id=owner.organization,
        server_id=None if owner.server is None else owner.server.id,
        uuid=uuid_of(row, "domains"),
        created_at=made,
        verification_token=text(row, "verification_token") or "",
        dkim_identifier=identifier,
        keys=keys,
        verified_at=verified,
        dkim_ok=bool(keys) and is_ok,
        return_path_ok=text(row, "return_path_status") == OK and _same_return_path(postal, ours),
        use_for_any=owner.server is not None and mark(row, "use_for_any"),
        verification_method=VerificationMethod.EMAIL if by_mail else VerificationMethod.DNS,
        # Postal asks for the record once; here nobody shall lose a domain for having taken it away since.
        verified_by=None if verified is None else VerifiedBy.OPERATOR,
        incoming=routed,
    )
    if verified is None:
        notes.append(told(what, "it is not verified in Postal either: nothing is sent as it"))
    secrets = {} if key is None else {"keys": key.private}
    return Wanted("domains", value.uuid, what, DOMAINS, value, secrets), notes


def track_domain_of(
    row: Row, server: Server, domains: dict[int, str], names: tuple[Names, Names]
) -> Found:
    """A track domain. `domains` are the names of the domains that were brought, by Postal's number."""
    label = text(row, "name") or ""
    domain = domains.get(number(row, "domain_id") or 0)
    what = f"track domain {label}.{domain or '?'} of {server.full_name}"
    if domain is None or not label:
        return None, [refused(what, "its domain is not there")]
    postal, ours = names
    status = text(row, "dns_status")
    found = next((one for one in DnsStatus if one.value == status), None)
    known = found is not None and postal.track_domain.lower() == ours.track_domain.lower()
    excluded = lines(row, "excluded_click_domains")
    notes = []
    if len(excluded) > MOST_EXCLUDED:
        notes.append(told(what, f"it excludes {len(excluded)} domains, more than {MOST_EXCLUDED}"))
    value = TrackDomain(
        name=f"{label}.{domain}".lower(),
        label=label.lower(),
        domain=domain,
        server_id=server.id,
        uuid=uuid_of(row, "track_domains"),
        created_at=moment(row, "created_at") or 0,
        ssl_enabled=mark(row, "ssl_enabled"),
        track_clicks=mark(row, "track_clicks"),
        track_loads=mark(row, "track_loads"),
        excluded_click_domains=excluded,
        dns_status=found if known else None,
        dns_checked_at=moment(row, "dns_checked_at") if known else None,
    )
    return Wanted("track_domains", value.uuid, what, TRACK_DOMAINS, value), notes


def routed_domains(routes: Collection[Row]) -> frozenset[int]:
    """The numbers of the domains that routes take mail for."""
    return frozenset(number(row, "domain_id") or 0 for row in routes)


def _of_key(what: str, key: PublicKey | None) -> list[Note]:
    if key is not None:
        return []
    return [
        told(what, "its DKIM key cannot be read: the installation's key signs until it has one")
    ]


def _same_return_path(postal: Names, ours: Names) -> bool:
    return (postal.prefix.lower(), postal.return_path_domain.lower()) == (
        ours.prefix.lower(),
        ours.return_path_domain.lower(),
    )
