"""Every item of the control table, byte for byte: installations exist, so what is stored is read for ever.

The JSON file beside this one has each item that stands after nouns of every kind were added, changed and removed; its
bytes are base64, as on the wire.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chalicelib.adapters.aws.dynamo.values import parse_value
from chalicelib.adapters.aws.session import AwsSession
from chalicelib.bootstrap import Posthorn
from chalicelib.config import Settings
from chalicelib.domain.errors import Conflict
from chalicelib.domain.numbering import OrganizationId, ServerId
from chalicelib.domain.tenancy.credentials import (
    CREDENTIALS,
    BareNewlines,
    Credential,
    CredentialKind,
)
from chalicelib.domain.tenancy.dkim_key import DkimKey
from chalicelib.domain.tenancy.domain_states import (
    DOMAIN_STATES,
    DnsEvent,
    DomainState,
    EmailCode,
    ToldEvent,
)
from chalicelib.domain.tenancy.domains import DOMAINS, Domain
from chalicelib.domain.tenancy.findings import Finding, Purpose, RecordStatus
from chalicelib.domain.tenancy.installation import INSTALLATION, Installation
from chalicelib.domain.tenancy.organizations import ORGANIZATIONS, Organization
from chalicelib.domain.tenancy.owners import of_organization
from chalicelib.domain.tenancy.servers import SERVERS, Server, ServerMode, UnknownOutcome
from chalicelib.domain.tenancy.sources import SOURCES, EgressKind, EgressSource
from chalicelib.domain.tenancy.streams import STREAMS, Stream, StreamType
from chalicelib.domain.tenancy.track_domains import TRACK_DOMAINS, DnsStatus, TrackDomain
from chalicelib.ports.repository import Repository
from tests.aws_backend import aws_backend, aws_settings
from tests.fakes import NOW

__all__ = ["aws_backend", "aws_settings"]
pytestmark = pytest.mark.aws

EXPECTED = json.loads(Path(__file__).with_suffix(".json").read_text())

KEY = DkimKey("acme.test", "posthorn-abcdef", "rsa-sha256", b"\x00\xffsealed", "MIIB")
ACME = Organization(OrganizationId(1), "acme", "Acme", "0fcd3ba5-acme", NOW)
LATE = Organization(OrganizationId(2), "late", "Größer", "0fcd3ba5-late", NOW, NOW + 1, "spam")
MAIL = Server(ServerId(7), ACME.id, "acme", "mail", "Mail", "abcdef", "0fcd3ba5-mail", NOW)
BULK = Server(
    ServerId(8),
    ACME.id,
    "acme",
    "bulk",
    "Bulk",
    "ghijkl",
    "0fcd3ba5-bulk",
    NOW,
    mode=ServerMode.DEVELOPMENT,
    pool="bulk",
    shards=4,
    send_limit=100,
    allow_sender=True,
    privacy_mode=True,
    retry_schedule="1m,5m*2",
    unknown_outcome=UnknownOutcome.HOLD,
    suspended_at=NOW,
    suspension_reason="asked",
)
BORN_SUSPENDED = Server(
    ServerId(9),
    LATE.id,
    "late",
    "mail",
    "Mail",
    "mnopqr",
    "0fcd-late",
    NOW,
    organization_suspended=True,
)
OWN = Domain("acme.test", ACME.id, MAIL.id, "0fcd3ba5-own", NOW, "token", "abcdef")
SHARED = Domain(
    "shared.test",
    ACME.id,
    None,
    "0fcd3ba5-shared",
    NOW,
    "token",
    "ghijkl",
    keys=(KEY, replace(KEY, selector="posthorn-ed-abcdef", algorithm="ed25519-sha256")),
    verified_at=NOW,
    dkim_ok=True,
    return_path_ok=True,
    use_for_any=True,
)
STATE = DomainState(
    "acme.test",
    ACME.id,
    MAIL.id,
    "0fcd3ba5-own",
    checked_at=NOW,
    hour_began_at=NOW,
    findings=(
        Finding(
            Purpose.SPF, "acme.test", RecordStatus.INVALID, "wrong", ("v=spf1",), "v=spf1 a", "x"
        ),
    ),
    missing_since=NOW,
    missing_checks=1,
    failed_since=NOW,
    events=(ToldEvent(DnsEvent.FAILED, NOW),),
    code=EmailCode("mac", NOW),
)
TRACK = TrackDomain("track.acme.test", "track", "acme.test", MAIL.id, "0fcd3ba5-track", NOW)
SEEN = TrackDomain(
    "go.b.test",
    "go",
    "b.test",
    MAIL.id,
    "0fcd3ba5-seen",
    NOW,
    ssl_enabled=False,
    track_clicks=False,
    track_loads=False,
    excluded_click_domains=("a.test", "*.b.test:8080"),
    dns_status=DnsStatus.INVALID,
    dns_error="wrong",
    dns_checked_at=NOW,
)
NEWS = Stream(MAIL.id, "news", StreamType.BROADCAST, NOW, unsubscribe=True)
API = Credential(
    "apikeyapikey", MAIL.id, CredentialKind.API, "App", NOW, digest="d1" * 32, hint="B3dE"
)
SMTP = Credential(
    "smtpsmtpsmtp",
    MAIL.id,
    CredentialKind.SMTP,
    "Relay",
    NOW,
    digest="d2" * 32,
    hint="0aB3",
    sealed_key=b"\x00\x01sealed",
    hold=True,
    bare_newlines=BareNewlines.NORMALISE,
    last_used_at=NOW,
)
NETWORK = Credential(
    "networknetwo", BULK.id, CredentialKind.SMTP_IP, "Office", NOW, network="192.0.2.0/24"
)
DIRECT = EgressSource("default")
SMARTHOST = EgressSource(
    "relay",
    "bulk",
    EgressKind.SMARTHOST,
    address="192.0.2.1",
    address6="2001:db8::1",
    ehlo="mx.acme.test",
    priority=7,
    host="smtp.example.com",
    port=587,
    username="user",
    sealed_password=b"\x00sealed",
    tls="required",
    suspended_until=NOW,
)


@pytest.fixture
def aws(aws_settings: Settings) -> Iterator[Posthorn]:
    """Adapters over tables of their own."""
    program = Posthorn(aws_settings, "aws")
    yield program
    program[AwsSession].close()


async def test_items_are_those_of_every_installation(aws: Posthorn, aws_settings: Settings) -> None:
    await add_everything(aws)
    assert await configured(aws, aws_settings) == EXPECTED["added"]
    await change_everything(aws)
    assert await configured(aws, aws_settings) == EXPECTED["changed"]
    await remove_what_can_be_removed(aws)
    assert await configured(aws, aws_settings) == EXPECTED["removed"]


async def configured(aws: Posthorn, settings: Settings) -> list[Any]:
    """The items, but for the audit log, whose entries have times."""
    found = await items(aws, settings.control_table)
    return [one for one in found if not one["PK"]["S"].startswith("AUDIT#")]


async def add_everything(aws: Posthorn) -> None:
    """One plain and one full value of each noun."""
    store = aws[Repository]
    await store.add(INSTALLATION, Installation(KEY, b"\x00mac"))
    with pytest.raises(Conflict):
        await store.add(INSTALLATION, Installation(KEY, b"another"))
    numbers = [await store.next_number(kind) for kind in ("server", "organization", "server")]
    assert numbers == [1, 1, 2]
    for organization in (ACME, LATE):
        await store.add(ORGANIZATIONS, organization)
    for server in (MAIL, BULK, BORN_SUSPENDED):
        await store.add(SERVERS, server)
    for domain in (OWN, SHARED):
        await store.add(DOMAINS, domain)
    await store.add(DOMAIN_STATES, STATE)
    for track in (TRACK, SEEN):
        await store.add(TRACK_DOMAINS, track)
    await store.add(STREAMS, NEWS)
    for credential in (API, SMTP, NETWORK):
        await store.add(CREDENTIALS, credential)
    for source in (DIRECT, SMARTHOST):
        await store.add(SOURCES, source)


async def change_everything(aws: Posthorn) -> None:
    """Each noun with other values; a suspension is copied, and a use is noted in the listed copy alone."""
    store = aws[Repository]
    await suspend(aws, replace(ACME, name="Acme Ltd", suspended_at=NOW))
    await suspend(aws, replace(LATE, suspended_at=None, suspension_reason=None))
    renamed = replace(MAIL, name="Renamed", send_limit=0, organization_suspended=True)
    await store.replace(SERVERS, renamed)
    await store.replace(DOMAINS, replace(OWN, verified_at=NOW, keys=(KEY,)))
    await store.replace(DOMAIN_STATES, DomainState.of(OWN))
    await store.replace(TRACK_DOMAINS, replace(TRACK, dns_status=DnsStatus.OK, dns_checked_at=NOW))
    await store.replace(STREAMS, replace(NEWS, unsubscribe=False))
    await store.replace(CREDENTIALS, replace(SMTP, name="Renamed", sealed_key=None))
    await store.note(CREDENTIALS, API, last_used_at=NOW + 60)
    await store.note(CREDENTIALS, NETWORK, last_used_at=NOW + 60)
    await store.replace(SOURCES, replace(SMARTHOST, sealed_password=None, suspended_until=0))


async def suspend(aws: Posthorn, organization: Organization) -> None:
    """As the service of organizations does it."""
    await aws[Repository].replace(ORGANIZATIONS, organization)
    suspended = organization.suspended_at is not None
    for server in await aws[Repository].all(SERVERS, of_organization(organization.id)):
        await aws[Repository].note(SERVERS, server, organization_suspended=suspended)


async def remove_what_can_be_removed(aws: Posthorn) -> None:
    """The rest stays for ever, and so do numbers and the names of pools."""
    store = aws[Repository]
    for domain in (OWN, SHARED):
        await store.remove(DOMAINS, domain)
    await store.remove(DOMAIN_STATES, STATE)
    for track in (TRACK, SEEN):
        await store.remove(TRACK_DOMAINS, track)
    await store.remove(STREAMS, NEWS)
    for credential in (API, SMTP, NETWORK):
        await store.remove(CREDENTIALS, credential)
    for source in (DIRECT, SMARTHOST):
        await store.remove(SOURCES, source)


async def items(aws: Posthorn, table: str) -> list[Any]:
    """All items of a table as JSON has them, by primary key."""
    answer = await aws[AwsSession].call("dynamodb", "scan", TableName=table, ConsistentRead=True)
    plain: list[Any] = json.loads(json.dumps(answer["Items"], default=_base64))
    return sorted(plain, key=lambda item: (item["PK"]["S"], item["SK"]["S"]))


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")


def test_a_credential_from_before_keys_had_scopes_is_read_with_those_of_every_key() -> None:
    stored = next(one["v"] for one in EXPECTED["added"] if one["PK"]["S"].startswith("K#d1"))
    before = {name: one for name, one in stored["M"].items() if name not in ("networks", "scopes")}
    read = parse_value(Credential, {"M": before})
    assert read == parse_value(Credential, stored)
    assert read.scopes == ("emails:send", "emails:read", "statistics:read")


@pytest.mark.parametrize(
    ("kind", "key", "new"),
    [
        (Domain, "D#acme.test", "verification_method incoming next_keys retired_keys"),
        (TrackDomain, "TD#b.test", "dns_found dns_unanswered"),
    ],
)
def test_a_domain_from_before_checks_were_remembered_is_read(
    kind: type[Any], key: str, new: str
) -> None:
    stored = next(one["v"]["M"] for one in EXPECTED["added"] if one["SK"]["S"] == key)
    before = {name: one for name, one in stored.items() if name not in new.split()}
    assert len(stored) - len(before) == len(new.split())
    assert parse_value(kind, {"M": before}) == parse_value(kind, {"M": stored})


def test_a_source_from_before_it_was_looked_at_uses_both_families() -> None:
    stored = next(one["v"] for one in EXPECTED["added"] if one["PK"]["S"] == "POOL#default")
    new = ("looked_at", "unused4", "unused6", "listed", "suspended_for")
    before = {name: one for name, one in stored["M"].items() if name not in new}
    assert len(stored["M"]) - len(before) == len(new)
    read = parse_value(EgressSource, {"M": before})
    assert read == parse_value(EgressSource, stored)
    assert read.unused4 == read.unused6 == read.listed == ""


def test_an_organization_from_before_it_had_pools_has_the_default_one() -> None:
    stored = next(one["v"] for one in EXPECTED["added"] if one["SK"]["S"] == "acme")
    before = {name: one for name, one in stored["M"].items() if name not in ("pools", "time_zone")}
    read = parse_value(Organization, {"M": before})
    assert read == parse_value(Organization, stored)
    assert (read.pools, read.time_zone) == ((), "UTC")
