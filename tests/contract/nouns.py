"""One sample of each noun of the configuration, for the contract of the repository.

`Noun.make` gives a value of an owner of its own, so that the stores may be shared by several tests; `also` a value of
the same owner under another name, `elsewhere` the same name with another owner, `full` the value with every other field
changed, and `rivals` what must not stand beside it.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from chalicelib.domain.numbering import OrganizationId, ServerId
from chalicelib.domain.occurrence import EventType
from chalicelib.domain.people.invitations import INVITATIONS, Invitation
from chalicelib.domain.people.members import MEMBERS, Member
from chalicelib.domain.people.oidc_provider import OIDC, OidcProvider
from chalicelib.domain.people.passkeys import PASSKEYS, Passkey
from chalicelib.domain.people.roles import Role
from chalicelib.domain.people.searches import SEARCHES, SavedSearch
from chalicelib.domain.people.sessions import SESSIONS, Session
from chalicelib.domain.people.tickets import TICKETS, Ticket, TicketPurpose
from chalicelib.domain.people.users import USERS, Theme, User
from chalicelib.domain.tenancy.audit import AUDIT_ENTRIES, CHAIN_HEADS, AuditEntry, ChainHead
from chalicelib.domain.tenancy.brought import BROUGHT, SERVER_TOKENS, Brought, ServerToken
from chalicelib.domain.tenancy.check_findings import CHECK_FINDINGS, CheckFinding, CheckStatus
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
from chalicelib.domain.tenancy.domains import DOMAINS, Domain, VerificationMethod, VerifiedBy
from chalicelib.domain.tenancy.endpoints import ENDPOINTS, Endpoint, EndpointType, PayloadFormat
from chalicelib.domain.tenancy.entity import Entity, Place
from chalicelib.domain.tenancy.findings import Finding, Purpose, RecordStatus
from chalicelib.domain.tenancy.installation import INSTALLATION, NOTICE, Installation, Notice
from chalicelib.domain.tenancy.management_keys import MANAGEMENT_KEYS, ManagementKey
from chalicelib.domain.tenancy.organizations import ORGANIZATIONS, Organization
from chalicelib.domain.tenancy.pool_rules import POOL_RULES, PoolRule
from chalicelib.domain.tenancy.pools import POOLS, PoolSettings
from chalicelib.domain.tenancy.rate_limits import Rate, RateHold, RateLimits, StreamRates
from chalicelib.domain.tenancy.removals import REMOVALS, Removal
from chalicelib.domain.tenancy.routes import RETURN_PATH, ROUTES, Condition, Route, RouteMode
from chalicelib.domain.tenancy.servers import (
    SERVERS,
    Server,
    ServerMode,
    SuppressionDays,
    UnknownOutcome,
)
from chalicelib.domain.tenancy.sources import SOURCES, EgressKind, EgressSource
from chalicelib.domain.tenancy.streams import STREAMS, Stream, StreamType
from chalicelib.domain.tenancy.track_domains import TRACK_DOMAINS, DnsStatus, TrackDomain
from chalicelib.domain.tenancy.webhooks import WEBHOOKS, Retries, Webhook, WebhookFormat
from tests.fakes import NOW, a_credential, a_domain, a_server, a_server_id, an_organization

KEY = DkimKey("posthorn.test", "posthorn", "ed25519-sha256", b"\x01\x00\xffsealed", "MCowBQ")


@dataclass(frozen=True)
class Noun:
    """A kind of value, and how to make some."""

    title: str
    entity: Entity[Any]
    make: Callable[[], Any]
    also: Callable[[Any, str], Any]
    elsewhere: Callable[[Any], Any]
    full: Callable[[Any], Any]
    rivals: Callable[[Any], list[Any]]
    is_one_of_many: bool = True


def place_in_list(noun: Noun, value: Any) -> Place:
    """Where a value is listed."""
    listed = noun.entity.listed
    place = noun.entity.place(value) if listed is None else listed.place(value)
    assert place is not None
    return place


def a_track_domain(server: ServerId, domain: str = "acme.test", **changes: Any) -> TrackDomain:
    """A track domain as it is made."""
    values: dict[str, Any] = {
        "name": f"track.{domain}",
        "label": "track",
        "domain": domain,
        "server_id": server,
        "uuid": "6f7a1f0e-1111-4222-8333-444455556666",
        "created_at": NOW,
    }
    return TrackDomain(**(values | changes))


def a_management_key(organization: OrganizationId | None, **changes: Any) -> ManagementKey:
    """A key as it is made."""
    values: dict[str, Any] = {
        "id": secrets.token_hex(6),
        "name": "terraform",
        "created_at": NOW,
        "created_by": "posthorn",
        "digest": secrets.token_hex(32),
        "hint": "B3dE",
        "scopes": ("*",),
        "organization_id": organization,
    }
    return ManagementKey(**(values | changes))


def a_webhook(server: Server, **changes: Any) -> Webhook:
    """A webhook as it is made."""
    one, identity = secrets.token_hex(6), secrets.token_hex(16)
    webhook = Webhook(one, server.id, identity, f"app {one}", NOW, "https://app.test/hook")
    return replace(webhook, sealed_secret=b"sealed", **changes)


def an_entry(organization: OrganizationId | None, **changes: Any) -> AuditEntry:
    """An entry of a chain."""
    values: dict[str, Any] = {
        "organization_id": organization,
        "number": 1,
        "at": "2026-03-22T12:00:00.000Z",
        "actor_kind": "system",
        "actor_id": None,
        "actor_name": "posthorn",
        "address": "",
        "action": "domain.create",
        "tenant": "acme/mail",
        "object_type": "domain",
        "object_id": "acme.test",
        "object_name": "acme.test",
        "before": "",
        "after": "{}",
        "request_id": "",
        "previous": "0" * 64,
    }
    return AuditEntry(**(values | changes))


def a_pool_rule(server: Server) -> PoolRule:
    """A rule for the mail of a server."""
    return PoolRule(
        secrets.token_hex(6), server.organization_id, server.id, 1, NOW, "quiet", (), ("b.test",)
    )


def a_route(server: Server, name: str = "support", **changes: Any) -> Route:
    """A route of a server's own domain."""
    domain = f"{secrets.token_hex(6)}.test"
    token = secrets.token_hex(4)
    identity = "6f7a1f0e-1111-4222-8333-444455556666"
    route = Route(secrets.token_hex(6), server.id, identity, 1, name, domain, token, NOW)
    return replace(route, **changes)


def an_endpoint(server: Server, **changes: Any) -> Endpoint:
    """An endpoint by HTTP."""
    one, identity = secrets.token_hex(6), "6f7a1f0e-1111-4222-8333-444455556666"
    endpoint = Endpoint(one, server.id, identity, EndpointType.HTTP, f"app {one}", NOW)
    return replace(endpoint, url="https://app.test/in", sealed_secret=b"sealed", **changes)


def a_user(**changes: Any) -> User:
    """Somebody."""
    one = secrets.token_hex(6)
    return replace(User(f"us{one}", f"{one}@acme.test", NOW), **changes)


def a_session(user: str, **changes: Any) -> Session:
    """A session as it is made."""
    one, digest = secrets.token_hex(6), secrets.token_hex(32)
    return replace(Session(digest, one, user, NOW, NOW, NOW + 9, NOW), **changes)


def a_ticket(user: str, **changes: Any) -> Ticket:
    """A ticket as it is made."""
    return replace(
        Ticket(secrets.token_hex(32), TicketPurpose.RESET, user, NOW, NOW + 9), **changes
    )


def an_invitation(organization: OrganizationId, **changes: Any) -> Invitation:
    """An invitation as it is made."""
    one, digest = secrets.token_hex(6), secrets.token_hex(32)
    address = f"{one}@b.test"
    made = Invitation(organization, one, address, Role.MEMBER, "ada", digest, NOW, NOW + 9)
    return replace(made, **changes)


def a_removal(server: Server) -> Removal:
    """The removal of a server."""
    return Removal(server.full_name, server.organization_id, NOW, server.id, server.shards)


def a_source(pool: str, name: str = "one", **changes: Any) -> EgressSource:
    """A way straight out."""
    return EgressSource(name, pool, **changes)


def _full_organization(value: Organization) -> Organization:
    return replace(
        value,
        name="Größer",
        uuid="x",
        suspended_at=NOW,
        suspension_reason="spam",
        time_zone="Europe/Vienna",
        pools=("default", "bulk"),
        require_second_factor=True,
        complaint_rate_limit=0.3,
        bounce_rate_limit=5.25,
        rate_limit_count=500,
    )


def _full_server(value: Server) -> Server:
    return replace(
        value,
        name="Größer",
        mode=ServerMode.DEVELOPMENT,
        pool="bulk",
        shards=4,
        send_limit=100,
        spam_threshold=-1.5,
        spam_failure_threshold=12.0,
        outbound_spam_threshold=7.5,
        postmaster_address="help@acme.test",
        bounce_incoming=False,
        allow_sender=True,
        privacy_mode=True,
        retry_schedule="60,300",
        unknown_outcome=UnknownOutcome.HOLD,
        suppress_hard_fails=0,
        suppress_bounces=False,
        suppress_complaints=False,
        suppression_days=SuppressionDays(1, 2, 3, 4, 5, 3_650),
        message_retention_days=0,
        raw_message_retention_days=-1,
        raw_message_retention_size=0,
        suspended_at=NOW,
        suspension_reason="asked",
        organization_suspended=True,
        complaint_rate_limit=0.3,
        bounce_rate_limit=5.25,
        rate_limit_count=500,
        organization_rates=RateLimits(bounce=7.5),
        stream_rates=(
            StreamRates("broadcast", RateLimits(0.2, None, 50)),
            StreamRates("news", RateLimits(bounce=100.0)),
        ),
        rate_holds=(
            RateHold(Rate.COMPLAINT, "", 0.3, 5, 1_000, NOW, NOW + 3_600),
            RateHold(Rate.BOUNCE, "news", 5.25, 99, 100, NOW, NOW + 7_200),
        ),
    )


def _full_domain(value: Domain) -> Domain:
    keys = (KEY, replace(KEY, selector="b"))
    flags = {"dkim_ok": True, "return_path_ok": True, "use_for_any": True, "incoming": True}
    return replace(
        value,
        uuid="x",
        keys=keys,
        next_keys=(replace(KEY, selector="c", created_at=NOW, ok=False),),
        retired_keys=(replace(KEY, selector="d", wrapped=b"", ok=True, retired_at=NOW),),
        verified_at=None,
        verified_by=VerifiedBy.CODE,
        verification_method=VerificationMethod.EMAIL,
        **flags,
    )


def _full_state(value: DomainState) -> DomainState:
    finding = Finding(
        Purpose.SPF, "acme.test", RecordStatus.INVALID, "wrong", ("v=spf1 ü",), "v=spf1 x", "10 mx"
    )
    return replace(
        value,
        uuid="x",
        checked_at=NOW,
        hour_began_at=NOW,
        records_ok=True,
        findings=(finding, Finding(Purpose.BIMI, "a.test", RecordStatus.UNKNOWN)),
        missing_since=NOW,
        missing_checks=7,
        failed_since=NOW,
        events=(ToldEvent(DnsEvent.FAILED, NOW), ToldEvent(DnsEvent.STILL_FAILED, NOW)),
        code=EmailCode("mac", NOW, 3),
    )


def _full_track_domain(value: TrackDomain) -> TrackDomain:
    return replace(
        value,
        name="links.test",
        label="go",
        ssl_enabled=False,
        track_clicks=False,
        track_loads=False,
        excluded_click_domains=("a.test", "b.test:8080"),
        dns_status=DnsStatus.INVALID,
        dns_error="wrong",
        dns_checked_at=NOW,
        dns_found=("elsewhere.test",),
        dns_unanswered=True,
        https_fault="Its certificate has ended.",
        https_checked_at=NOW,
        https_ends_at=NOW + 90 * 86_400,
    )


def _full_credential(value: Credential) -> Credential:
    return replace(
        value,
        name="Renamed",
        hint="0aB3",
        sealed_key=b"\x00\x01sealed",
        hold=True,
        bare_newlines=BareNewlines.NORMALISE,
        last_used_at=NOW,
        last_used_address="192.0.2.7",
        networks=("192.0.2.0/24", "2001:db8::/32"),
        expires_at=NOW,
        scopes=("emails:read",),
    )


def _full_key(value: ManagementKey) -> ManagementKey:
    return replace(
        value,
        name="Renamed",
        created_by="ada",
        hint="0aB3",
        scopes=("domains:read", "emails:send"),
        servers=(ServerId(3), ServerId(4)),
        networks=("192.0.2.0/24",),
        expires_at=NOW,
        last_used_at=NOW,
    )


def _full_source(value: EgressSource) -> EgressSource:
    return replace(
        value,
        kind=EgressKind.SMARTHOST,
        address="192.0.2.1",
        address6="2001:db8::1",
        ehlo="mx.test",
        priority=7,
        host="smtp.example.com",
        port=587,
        username="user",
        sealed_password=b"\x00sealed",
        tls="required",
        suspended_until=1_900_000_000,
        looked_at=1_800_000_000,
        unused4="192.0.2.1 has no reverse name.",
        unused6="2001:db8::1 has no reverse name.",
        listed='{"found":[{"list":"bl.test","address":"192.0.2.1"}]}',
        suspended_for="Listed by bl.test",
    )


def _a_pool() -> str:
    return f"pool-{secrets.token_hex(6)}"


def _a_network(server: Server, **changes: Any) -> Credential:
    octets = secrets.token_bytes(3)
    network = f"10.{octets[0]}.{octets[1]}.{octets[2]}/32"
    return a_credential(
        server, **({"kind": CredentialKind.SMTP_IP, "digest": "", "network": network} | changes)
    )


def _a_tenant() -> Server:
    return a_server(an_organization())


def _another_network(value: Credential, name: str) -> Credential:
    return replace(value, id=name, network=f"2001:db8::{secrets.token_hex(2)}/128")


NOUNS = (
    Noun(
        "installation",
        INSTALLATION,
        make=lambda: Installation(KEY, b"\x00sealed"),
        also=lambda value, _: value,
        elsewhere=lambda value: value,
        full=lambda value: replace(
            value, sealed_mac_key=b"other", request_key=replace(KEY, selector="requests")
        ),
        rivals=lambda value: [replace(value, sealed_mac_key=b"x")],
        is_one_of_many=False,
    ),
    Noun(
        "notice",
        NOTICE,
        make=lambda: Notice(None),
        also=lambda value, _: value,
        elsewhere=lambda value: value,
        full=lambda value: replace(value, notice="Störung behoben"),
        rivals=lambda value: [replace(value, notice="x")],
        is_one_of_many=False,
    ),
    Noun(
        "sign-in provider",
        OIDC,
        make=lambda: OidcProvider("Acme", "https://id.acme.test", "posthorn"),
        also=lambda value, _: value,
        elsewhere=lambda value: value,
        full=lambda value: replace(
            value,
            label="Größer",
            sealed_client_secret=b"sealed",
            scopes=("openid",),
            create_domains=("acme.test", "b.test"),
            local_sign_in=False,
        ),
        rivals=lambda value: [replace(value, issuer="https://id.b.test")],
        is_one_of_many=False,
    ),
    Noun(
        "organization",
        ORGANIZATIONS,
        make=an_organization,
        also=lambda _, name: an_organization(permalink=f"{name}-{secrets.token_hex(4)}"),
        elsewhere=lambda _: an_organization(),
        full=_full_organization,
        rivals=lambda value: [an_organization(permalink=value.permalink)],
    ),
    Noun(
        "server",
        SERVERS,
        make=_a_tenant,
        also=lambda value, name: replace(value, id=a_server_id(), permalink=name),
        elsewhere=lambda value: a_server(an_organization(), permalink=value.permalink),
        full=_full_server,
        rivals=lambda value: [
            replace(value, id=a_server_id()),
            replace(value, permalink="another"),
            a_server(an_organization(), id=value.id),
        ],
    ),
    Noun(
        "domain of a server",
        DOMAINS,
        make=lambda: a_domain(_a_tenant()),
        also=lambda value, name: replace(value, name=name),
        elsewhere=lambda value: replace(value, server_id=None),
        full=_full_domain,
        rivals=lambda value: [replace(value, uuid="another")],
    ),
    Noun(
        "domain of an organization",
        DOMAINS,
        make=lambda: a_domain(_a_tenant(), of_organization=True),
        also=lambda value, name: replace(value, name=name),
        elsewhere=lambda value: replace(value, server_id=a_server_id()),
        full=_full_domain,
        rivals=lambda value: [replace(value, uuid="another")],
    ),
    Noun(
        "state of a domain",
        DOMAIN_STATES,
        make=lambda: DomainState.of(a_domain(_a_tenant())),
        also=lambda value, name: replace(value, name=name),
        elsewhere=lambda value: replace(value, server_id=None),
        full=_full_state,
        rivals=lambda value: [replace(value, uuid="another")],
    ),
    Noun(
        "track domain",
        TRACK_DOMAINS,
        make=lambda: a_track_domain(a_server_id()),
        also=lambda value, name: replace(value, domain=name),
        elsewhere=lambda value: replace(value, server_id=a_server_id()),
        full=_full_track_domain,
        rivals=lambda value: [replace(value, label="another")],
    ),
    Noun(
        "credential with a key",
        CREDENTIALS,
        make=lambda: a_credential(_a_tenant(), kind=CredentialKind.SMTP),
        also=lambda value, name: replace(value, id=name, digest=secrets.token_hex(32)),
        elsewhere=lambda value: a_credential(_a_tenant(), id=value.id),
        full=_full_credential,
        rivals=lambda value: [
            replace(value, digest=secrets.token_hex(32)),
            replace(value, id="another"),
            a_credential(_a_tenant(), digest=value.digest),
        ],
    ),
    Noun(
        "credential with a network",
        CREDENTIALS,
        make=lambda: _a_network(_a_tenant()),
        also=_another_network,
        elsewhere=lambda value: _a_network(_a_tenant(), id=value.id, network=value.network),
        full=_full_credential,
        rivals=lambda value: [
            _another_network(value, value.id),
            replace(value, id="another"),
        ],
    ),
    Noun(
        "key of an organization",
        MANAGEMENT_KEYS,
        make=lambda: a_management_key(_a_tenant().organization_id),
        also=lambda value, name: replace(value, id=name, digest=secrets.token_hex(32)),
        elsewhere=lambda value: a_management_key(_a_tenant().organization_id, id=value.id),
        full=_full_key,
        rivals=lambda value: [
            replace(value, digest=secrets.token_hex(32)),
            replace(value, id="another"),
        ],
    ),
    Noun(
        "audit entry",
        AUDIT_ENTRIES,
        make=lambda: an_entry(_a_tenant().organization_id),
        also=lambda value, name: replace(value, number=1 + secrets.randbelow(2**20)),
        elsewhere=lambda value: replace(value, organization_id=_a_tenant().organization_id),
        full=lambda value: replace(value, actor_id="k", after='{"name":"x"}', hash="f" * 64),
        rivals=lambda value: [replace(value, hash="e" * 64)],
        is_one_of_many=False,
    ),
    Noun(
        "head of an audit chain",
        CHAIN_HEADS,
        make=lambda: ChainHead(_a_tenant().organization_id, 1, "a" * 64),
        also=lambda value, _: value,
        elsewhere=lambda value: replace(value, organization_id=_a_tenant().organization_id),
        full=lambda value: replace(value, number=2, hash="b" * 64),
        rivals=lambda value: [replace(value, number=3)],
        is_one_of_many=False,
    ),
    Noun(
        "pool rule of a server",
        POOL_RULES,
        make=lambda: a_pool_rule(_a_tenant()),
        also=lambda value, name: replace(value, id=name),
        elsewhere=lambda value: replace(value, server_id=a_server_id()),
        full=lambda value: replace(value, pool="bulk", senders=("acme.test",), recipients=()),
        rivals=lambda value: [replace(value, pool="another")],
    ),
    Noun(
        "pool rule of an organization",
        POOL_RULES,
        make=lambda: replace(a_pool_rule(_a_tenant()), server_id=None),
        also=lambda value, name: replace(value, id=name),
        elsewhere=lambda value: replace(value, server_id=a_server_id()),
        full=lambda value: replace(value, senders=("a@acme.test", "b.test"), number=7),
        rivals=lambda value: [replace(value, recipients=("another.test",))],
    ),
    Noun(
        "route",
        ROUTES,
        make=lambda: a_route(_a_tenant()),
        also=lambda value, name: replace(value, id=name, name=name, token=secrets.token_hex(4)),
        elsewhere=lambda value: replace(
            value,
            server_id=a_server_id(),
            domain=f"s{value.server_id}.test",
            token=secrets.token_hex(4),
        ),
        full=lambda value: replace(
            value,
            mode=RouteMode.HOLD,
            endpoint="e",
            additional_endpoints=("a", "b"),
            priority=7,
            conditions=(Condition("subject", "*invoice*"),),
            last_used_at=NOW,
        ),
        rivals=lambda value: [
            replace(value, id="other", token="other"),
            replace(value, id="other", name="other"),
        ],
    ),
    Noun(
        "route of a return path",
        ROUTES,
        make=lambda: a_route(_a_tenant(), RETURN_PATH, domain=""),
        also=lambda value, name: replace(
            value, id=name, name=name, domain=f"s{value.server_id}.test", token=secrets.token_hex(4)
        ),
        elsewhere=lambda value: replace(value, server_id=a_server_id(), token=secrets.token_hex(4)),
        full=lambda value: replace(value, endpoint="e", last_used_at=NOW),
        rivals=lambda value: [replace(value, id="other", token=secrets.token_hex(4))],
    ),
    Noun(
        "endpoint",
        ENDPOINTS,
        make=lambda: an_endpoint(_a_tenant()),
        also=lambda value, name: replace(value, id=name, name=name),
        elsewhere=lambda value: replace(value, server_id=a_server_id()),
        full=lambda value: replace(
            value,
            format=PayloadFormat.HASH,
            sealed_user_info=b"a",
            sealed_old_secret=b"b",
            old_secret_until=NOW,
            enabled=False,
            disabled_reason="gone",
            disabled_at=1_800_000_000,
            username="u",
            sealed_password=b"c",
        ),
        rivals=lambda value: [replace(value, id="other")],
    ),
    Noun(
        "stream",
        STREAMS,
        make=lambda: Stream(_a_tenant().id, "news", StreamType.BROADCAST, NOW),
        also=lambda value, name: replace(value, name=name),
        elsewhere=lambda value: replace(value, server_id=a_server_id()),
        full=lambda value: replace(value, type=StreamType.TRANSACTIONAL, unsubscribe=True),
        rivals=lambda value: [replace(value, unsubscribe=True)],
    ),
    Noun(
        "webhook",
        WEBHOOKS,
        make=lambda: a_webhook(_a_tenant()),
        also=lambda value, name: replace(value, id=name, name=name),
        elsewhere=lambda value: replace(value, server_id=a_server_id()),
        full=lambda value: replace(
            value,
            format=WebhookFormat.POSTAL,
            events=(EventType.EMAIL_BOUNCED, EventType.EMAIL_OPENED),
            streams=("news",),
            tags=("a", "b"),
            retries=Retries.POSTAL,
            sealed_user_info=b"a",
            sealed_old_secret=b"b",
            old_secret_until=NOW,
            enabled=False,
            disabled_reason="gone",
            disabled_at=1_800_000_000,
            last_used_at=NOW,
        ),
        rivals=lambda value: [replace(value, name="other")],
    ),
    Noun(
        "user",
        USERS,
        make=lambda: a_user(oidc_issuer="https://id.test", oidc_subject=secrets.token_hex(6)),
        also=lambda _, name: a_user(id=f"{name}-{secrets.token_hex(4)}"),
        elsewhere=lambda _: a_user(),
        full=lambda value: replace(
            value,
            email=f"{secrets.token_hex(6)}@b.test",
            first_name="Ada",
            last_name="Größer",
            time_zone="Europe/Vienna",
            admin=True,
            password="scrypt$…",
            sealed_totp=b"sealed",
            totp_step=7,
            sealed_new_totp=b"sealed too",
            recovery=("a", "b"),
            passkeys=2,
            oidc_issuer="",
            oidc_subject="",
            theme=Theme.DARK,
            shortcuts=False,
            newest_first=False,
            last_seen_at=NOW,
        ),
        rivals=lambda value: [
            a_user(email=value.email),
            a_user(oidc_issuer=value.oidc_issuer, oidc_subject=value.oidc_subject),
            a_user(id=value.id),
        ],
    ),
    Noun(
        "passkey",
        PASSKEYS,
        make=lambda: Passkey(a_user().id, secrets.token_hex(6), "phone", b"c", b"k", NOW),
        also=lambda value, name: replace(value, id=name),
        elsewhere=lambda value: replace(value, user_id=a_user().id),
        full=lambda value: replace(
            value, name="key", sign_count=7, transports=("usb", "nfc"), last_used_at=NOW
        ),
        rivals=lambda value: [replace(value, name="another")],
    ),
    Noun(
        "session",
        SESSIONS,
        make=lambda: a_session(a_user().id),
        also=lambda value, name: a_session(value.user_id, id=name),
        elsewhere=lambda value: a_session(a_user().id, id=value.id),
        full=lambda value: replace(
            value,
            last_seen_at=NOW + 1,
            expires_at=NOW + 20,
            confirmed_at=NOW + 2,
            remember=True,
            had_second_factor=True,
            by_provider=True,
            address="192.0.2.7",
            user_agent="Firefox",
        ),
        rivals=lambda value: [a_session(value.user_id, id=value.id), replace(value, id="other")],
    ),
    Noun(
        "ticket",
        TICKETS,
        make=lambda: a_ticket(a_user().id),
        also=lambda value, _: a_ticket(value.user_id, expires_at=NOW + secrets.randbelow(2**20)),
        elsewhere=lambda _: a_ticket(a_user().id),
        full=lambda value: replace(
            value, purpose=TicketPurpose.OIDC, tries=3, said='{"nonce":"x"}'
        ),
        rivals=lambda value: [replace(value, tries=2)],
        is_one_of_many=False,
    ),
    Noun(
        "member",
        MEMBERS,
        make=lambda: Member(_a_tenant().organization_id, a_user().id, Role.MEMBER, NOW),
        also=lambda value, name: replace(value, user_id=f"{name}-{secrets.token_hex(4)}"),
        elsewhere=lambda value: replace(value, organization_id=_a_tenant().organization_id),
        full=lambda value: replace(
            value, role=Role.OWNER, servers=(ServerId(3), ServerId(4)), read_content=False
        ),
        rivals=lambda value: [replace(value, role=Role.ADMIN)],
    ),
    Noun(
        "invitation",
        INVITATIONS,
        make=lambda: an_invitation(_a_tenant().organization_id),
        also=lambda value, name: an_invitation(value.organization_id, id=name),
        elsewhere=lambda value: an_invitation(_a_tenant().organization_id, id=value.id),
        full=lambda value: replace(
            value,
            role=Role.VIEWER,
            inviter="usx",
            servers=(ServerId(3),),
            read_content=True,
            accepted_at=NOW,
        ),
        rivals=lambda value: [
            an_invitation(value.organization_id, id=value.id),
            an_invitation(_a_tenant().organization_id, digest=value.digest),
        ],
    ),
    Noun(
        "saved search",
        SEARCHES,
        make=lambda: SavedSearch(
            _a_tenant().id, secrets.token_hex(6), "bounced", "status:Bounced", "usx", "ada", NOW
        ),
        also=lambda value, name: replace(value, id=name),
        elsewhere=lambda value: replace(value, server_id=a_server_id()),
        full=lambda value: replace(value, name="x", q="", direction="incoming", shared=True),
        rivals=lambda value: [replace(value, name="other")],
    ),
    Noun(
        "pool",
        POOLS,
        make=lambda: PoolSettings(_a_pool()),
        also=lambda _, name: PoolSettings(f"{name}-{secrets.token_hex(4)}"),
        elsewhere=lambda _: PoolSettings(_a_pool()),
        full=lambda value: replace(
            value, is_default=True, organizations=(OrganizationId(3), OrganizationId(4))
        ),
        rivals=lambda value: [replace(value, organizations=())],
    ),
    Noun(
        "removal",
        REMOVALS,
        make=lambda: a_removal(_a_tenant()),
        also=lambda value, name: replace(value, name=f"{name}-{secrets.token_hex(4)}"),
        elsewhere=lambda _: a_removal(_a_tenant()),
        full=lambda value: replace(value, removed_at=1, server_id=None, shards=4),
        rivals=lambda value: [replace(value, shards=2)],
    ),
    Noun(
        "check",
        CHECK_FINDINGS,
        make=lambda: CheckFinding(secrets.token_hex(6), CheckStatus.OK, "", NOW + 0.5, NOW + 0.5),
        also=lambda value, name: replace(value, name=name),
        elsewhere=lambda value: replace(value, name=secrets.token_hex(6)),
        full=lambda value: replace(
            value, status=CheckStatus.FAILING, detail="Away.", since=NOW + 1.5, found_at=NOW + 2.5
        ),
        rivals=lambda value: [replace(value, detail="Another")],
        is_one_of_many=False,
    ),
    Noun(
        "brought row",
        BROUGHT,
        make=lambda: Brought(secrets.token_hex(6), "routes", secrets.token_hex(6)),
        also=lambda value, name: replace(value, row=name),
        elsewhere=lambda value: replace(value, group=secrets.token_hex(6)),
        full=lambda value: replace(value, number=7, fields='{"name":"0123456789ab"}'),
        rivals=lambda value: [replace(value, number=8)],
    ),
    Noun(
        "server token",
        SERVER_TOKENS,
        make=lambda: ServerToken(secrets.token_hex(6), a_server_id()),
        also=lambda value, name: replace(value, token=name + secrets.token_hex(4)),
        elsewhere=lambda value: replace(value, token=secrets.token_hex(6)),
        full=lambda value: replace(value, server_id=a_server_id()),
        rivals=lambda value: [replace(value, server_id=a_server_id())],
        is_one_of_many=False,
    ),
    Noun(
        "egress source",
        SOURCES,
        make=lambda: a_source(_a_pool()),
        also=lambda value, name: replace(value, name=name),
        elsewhere=lambda value: replace(value, pool=_a_pool()),
        full=_full_source,
        rivals=lambda value: [replace(value, priority=1)],
    ),
)
