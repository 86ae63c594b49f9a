"""Rows of Postal's main database become our nouns, and what does not fit is said."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain.destination_guard import read_guard
from chalicelib.domain.ids import key_digest
from chalicelib.domain.numbering import OrganizationId, ServerId
from chalicelib.domain.occurrence import EventType
from chalicelib.domain.postal.config import read_config
from chalicelib.domain.postal.credentials import credential_of
from chalicelib.domain.postal.domains import Owner, PublicKey, domain_of, track_domain_of
from chalicelib.domain.postal.receivers import (
    address_endpoint_of,
    http_endpoint_of,
    renamed,
    smtp_endpoint_of,
    webhook_of,
)
from chalicelib.domain.postal.routes import route_of
from chalicelib.domain.postal.rows import id_of
from chalicelib.domain.postal.suppressions import suppression_of
from chalicelib.domain.postal.tenants import (
    NO_POOLS,
    Pools,
    organization_of,
    pools_of,
    retention_of,
    server_of,
)
from chalicelib.domain.postal.wanted import Fit, Note, Wanted
from chalicelib.domain.postal.ways_out import pool_names, rule_of, source_of
from chalicelib.domain.suppression import NEVER
from chalicelib.domain.tenancy.domains import VerificationMethod, VerifiedBy
from chalicelib.domain.tenancy.endpoints import PayloadEncoding, PayloadFormat, SslMode
from chalicelib.domain.tenancy.routes import RouteMode
from chalicelib.domain.tenancy.servers import ServerMode
from chalicelib.domain.tenancy.track_domains import DnsStatus
from tests.postal_rows import (
    NAMES,
    a_row,
    a_server,
    an_organization,
    rows,
)

GUARD = read_guard("")
KEY = PublicKey("MIGf", b"private")
Found = tuple[Wanted | None, list[Note]]


def value(found: Found) -> Any:
    wanted, _ = found
    assert wanted is not None
    return wanted.value


def test_an_organization_keeps_what_it_is_called() -> None:
    found, notes = organization_of(a_row("organizations", 1), OrganizationId(7))
    assert found is not None and notes == []
    one = found.value
    assert (one.id, one.permalink, one.name) == (7, "acme", "Acme")
    assert one.uuid == found.row == "4cc293a9-5fa9-454a-bd9d-baa74039d213"
    assert (one.created_at, one.suspended_at, one.time_zone) == (1795898508, None, "UTC")


@pytest.mark.parametrize(
    ("zone", "ours", "count"),
    [("London", "Europe/London", 0), ("Europe/Vienna", "Europe/Vienna", 0), ("Mars", "UTC", 1)],
)
def test_zones_of_rails_become_those_of_iana(zone: str, ours: str, count: int) -> None:
    found, notes = organization_of(a_row("organizations", 1, time_zone=zone), OrganizationId(1))
    assert (value((found, notes)).time_zone, len(notes)) == (ours, count)


def test_what_is_suspended_stays_so() -> None:
    suspended = {"suspended_at": "2026-11-28 20:41:48.461106", "suspension_reason": "spam\n"}
    one = value(organization_of(a_row("organizations", 1, **suspended), OrganizationId(1)))
    assert (one.suspended_at, one.suspension_reason) == (1795898508, "spam")
    server = value(server_of(a_row("servers", 2), one, ServerId(9)))
    assert server.is_suspended and server.suspended_at is None


def test_a_permalink_that_is_none_is_refused() -> None:
    for permalink in (None, "", "a" * 51):
        found, notes = organization_of(
            a_row("organizations", 1, permalink=permalink), OrganizationId(1)
        )
        assert found is None and [one.fit for one in notes] == [Fit.REFUSED]
        made, notes = server_of(
            a_row("servers", 2, permalink=permalink), an_organization(), ServerId(1)
        )
        assert made is None and [one.fit for one in notes] == [Fit.REFUSED]


def test_a_server_keeps_its_token_and_switches() -> None:
    row = a_row(
        "servers",
        2,
        mode="Development",
        send_limit=100,
        outbound_spam_threshold="6.50",
        allow_sender=1,
        privacy_mode=1,
        postmaster_address="p@acme.example",
        ip_pool_id=4,
        log_smtp_data=1,
    )
    found, notes = server_of(row, an_organization(), ServerId(9), Pools({4: "bulk"}, {}))
    one = value((found, notes))
    assert (one.token, one.full_name, one.mode) == ("ehdexf", "acme/golden", ServerMode.DEVELOPMENT)
    assert (one.send_limit, one.outbound_spam_threshold, one.pool) == (100, 6.5, "bulk")
    assert (one.allow_sender, one.privacy_mode) == (True, True)
    assert (one.spam_threshold, one.spam_failure_threshold) == (5.0, 20.0)
    assert one.postmaster_address == "p@acme.example"
    assert [one.fit for one in notes] == [Fit.TOLD]
    assert "logs SMTP data" in notes[0].text


def test_what_is_kept_for_ever_stays_so() -> None:
    names = ("message_retention_days", "raw_message_retention_days", "raw_message_retention_size")
    assert list(retention_of(a_row("servers", 2)).values()) == [60, 30, 2048]
    endless = retention_of(a_row("servers", 2, **dict.fromkeys(names)))
    assert endless == {names[0]: 0, names[1]: -1, names[2]: 0}
    none = retention_of(a_row("servers", 2, raw_message_retention_days=0))
    assert none["raw_message_retention_days"] == 0


def test_a_domain_keeps_its_key_and_whole_selector() -> None:
    owner = Owner(OrganizationId(7), a_server(), "acme/golden")
    found, notes = domain_of(a_row("domains", 2), owner, KEY, (NAMES, NAMES), routed=True)
    assert found is not None and notes == []
    one = found.value
    (key,) = one.keys
    assert (key.selector, key.public, key.wrapped) == ("postal-tsAY0o", "MIGf", b"")
    assert found.secrets == {"keys": b"private"}
    assert (one.dkim_ok, one.return_path_ok, one.verified_at) == (True, True, 1795898508)
    assert (one.verified_by, one.incoming) == (VerifiedBy.OPERATOR, True)
    assert one.verification_method is VerificationMethod.DNS
    assert one.signing_keys == (key,)


def test_a_return_path_to_another_name_is_none() -> None:
    owner = Owner(OrganizationId(7), None, "acme")
    ours = NAMES.__class__(**{**_fields(NAMES), "return_path_domain": "rp.other.example"})
    found = domain_of(a_row("domains", 2), owner, KEY, (NAMES, ours), routed=False)
    assert value(found).return_path_ok is False
    assert value(found).server_id is None


def test_a_domain_without_a_key_or_name_says_so() -> None:
    owner = Owner(OrganizationId(7), None, "acme")
    row = a_row("domains", 2, verified_at=None, verification_method="Email", use_for_any=1)
    found, notes = domain_of(row, owner, None, (NAMES, NAMES), routed=False)
    one = value((found, notes))
    assert (one.keys, one.dkim_ok, one.verified_by, one.use_for_any) == ((), False, None, False)
    assert one.verification_method is VerificationMethod.EMAIL
    assert len(notes) == 2
    none, notes = domain_of(
        a_row("domains", 2, name="a b"), owner, KEY, (NAMES, NAMES), routed=False
    )
    assert none is None and notes[0].fit is Fit.REFUSED


def test_keys_of_credentials_stay_valid() -> None:
    made = [credential_of(row, a_server()) for row in rows("credentials")]
    smtp, api, _, _, network = (value(one) for one in made)
    assert smtp.digest == key_digest("R1376zb1QHE0AxY4bnVMNdhX")
    assert (smtp.hint, smtp.kind.value, api.kind.value) == ("NdhX", "SMTP", "API")
    assert (network.network, network.digest) == ("127.0.0.1/32", "")
    assert made[0][0] is not None and made[1][0] is not None
    assert made[0][0].secrets == {"sealed_key": b"R1376zb1QHE0AxY4bnVMNdhX"}
    assert made[1][0].secrets == {}
    assert [notes for _, notes in made] == [[]] * 5


@pytest.mark.parametrize(
    ("changes", "fits", "network"),
    [
        ({"key": "10.0.0.0/8"}, [Fit.TOLD], "10.0.0.0/8"),
        ({"key": "2001:db8::1"}, [], "2001:db8::1/128"),
        ({"key": "192.0.2.77/28"}, [], "192.0.2.64/28"),
        ({"key": "nonsense"}, [Fit.REFUSED], None),
        ({"key": None}, [Fit.REFUSED], None),
        ({"type": "Other"}, [Fit.REFUSED], None),
        ({"type": "API", "key": "short"}, [Fit.TOLD], None),
    ],
)
def test_odd_credentials(changes: dict[str, Any], fits: list[Fit], network: str | None) -> None:
    found, notes = credential_of(a_row("credentials", 5, **changes), a_server())
    assert [one.fit for one in notes] == fits
    if found is not None:
        assert found.value.network == network


def test_http_endpoints_post_as_before() -> None:
    made = [http_endpoint_of(row, a_server(), GUARD) for row in rows("http_endpoints")]
    first, form, raw = (value(one) for one in made[:3])
    assert (first.url, first.timeout) == ("http://127.0.0.1:7070/in/json", 5)
    assert (first.format, first.encoding) == (PayloadFormat.HASH, PayloadEncoding.JSON)
    assert (form.encoding, raw.format) == (PayloadEncoding.FORM, PayloadFormat.RAW_MESSAGE)
    assert value(made[4]).strip_replies and not value(made[4]).include_attachments
    # Brought although it is refused at each attempt.
    assert {one.fit for _, notes in made for one in notes} == {Fit.TOLD}
    row = a_row("http_endpoints", 1, url="https://u:p@a.example/x", timeout=90)
    found, notes = http_endpoint_of(row, a_server(), GUARD)
    assert found is not None and found.secrets == {"sealed_user_info": b"u:p"}
    assert (found.value.url, found.value.timeout) == ("https://a.example/x", 60)
    assert len(notes) == 1
    assert http_endpoint_of(a_row("http_endpoints", 1, url="ftp://x"), a_server(), GUARD)[0] is None


def test_other_endpoints() -> None:
    server = a_server()
    sink = value(smtp_endpoint_of(a_row("smtp_endpoints", 1), server, GUARD))
    assert (sink.hostname, sink.port, sink.ssl_mode) == ("sink.example", 2625, SslMode.NONE)
    row = a_row("smtp_endpoints", 1, ssl_mode="STARTLS", port=None, hostname="192.168.1.1")
    found, notes = smtp_endpoint_of(row, server, GUARD)
    assert (value((found, notes)).ssl_mode, value((found, notes)).port) == (SslMode.STARTTLS, 25)
    assert len(notes) == 2
    assert smtp_endpoint_of(a_row("smtp_endpoints", 1, hostname=""), server, GUARD)[0] is None
    address = value(address_endpoint_of(a_row("address_endpoints", 1), server))
    assert (address.address, address.name) == ("other@elsewhere.example",) * 2
    assert address_endpoint_of(a_row("address_endpoints", 1, address="x"), server)[0] is None
    taken = {sink.name}
    made = smtp_endpoint_of(a_row("smtp_endpoints", 1), server, GUARD)
    assert [value(renamed(made, taken)).name for _ in range(2)] == ["sink 2", "sink 3"]
    assert renamed((None, []), taken) == (None, [])


def test_webhooks_keep_postals_form_and_hours() -> None:
    found, notes = webhook_of(a_row("webhooks", 1), [], a_server(), GUARD)
    one = value((found, notes))
    assert (one.format.value, one.retries.value, one.events) == ("postal", "postal", None)
    events = [{"event": "MessageBounced"}, {"event": "MessageSent"}, {"event": "Odd"}]
    row = a_row("webhooks", 1, all_events=0, sign=0, enabled=0, url="https://h.example/")
    found, notes = webhook_of(row, events, a_server(), GUARD)
    one = value((found, notes))
    assert one.events == (EventType.EMAIL_DELIVERED, EventType.EMAIL_BOUNCED)
    assert one.enabled is False
    assert [" ".join(each.text.split()[:3]) for each in notes] == [
        "signing is off",
        "events that are",
    ]
    assert webhook_of(a_row("webhooks", 1, url=None), [], a_server(), GUARD)[0] is None


def test_routes_keep_their_tokens() -> None:
    server, domains = a_server(), {2: "golden.example"}
    endpoints = {("HTTPEndpoint", 1): "en1", ("SMTPEndpoint", 1): "en2"}
    more = [
        {"endpoint_type": "SMTPEndpoint", "endpoint_id": 1},
        {"endpoint_type": "HTTPEndpoint", "endpoint_id": 1},
        {"endpoint_type": "HTTPEndpoint", "endpoint_id": 99},
    ]
    found, notes = route_of(a_row("routes", 1), more, server, domains, endpoints, 5)
    one = value((found, notes))
    assert (one.address, one.token, one.number) == ("json@golden.example", "sJIbVWgP", 5)
    assert (one.endpoint, one.additional_endpoints, notes) == ("en1", ("en2",), [])
    assert one.id == id_of(a_row("routes", 1), "routes") and len(one.id) == 12
    modes = [value(route_of(row, [], server, domains, {}, 1)).mode for row in rows("routes")]
    assert modes[8:] == [RouteMode.ACCEPT, RouteMode.HOLD, RouteMode.BOUNCE, RouteMode.REJECT]
    assert set(modes[:8]) == {RouteMode.REJECT}  # none of their endpoints is there
    row = a_row("routes", 1, name="__returnpath__", domain_id=None)
    one = value(route_of(row, [], server, {}, endpoints, 1))
    assert one.is_return_path and one.domain == ""
    none, notes = route_of(a_row("routes", 1), [], server, {}, endpoints, 1)
    assert none is None and notes[0].fit is Fit.REFUSED


def test_a_track_domain_stands_where_its_domain_does() -> None:
    row = a_row("track_domains", 1, excluded_click_domains="a.example\r\n\nb.example:80\n")
    found, notes = track_domain_of(row, a_server(), {2: "golden.example"}, (NAMES, NAMES))
    one = value((found, notes))
    assert (one.name, one.label, one.domain) == ("click.golden.example", "click", "golden.example")
    assert one.excluded_click_domains == ("a.example", "b.example:80")
    assert (one.dns_status, one.ssl_enabled) == (DnsStatus.OK, False)
    assert track_domain_of(row, a_server(), {}, (NAMES, NAMES))[0] is None


def test_pools_rules_and_addresses() -> None:
    pools = [
        {"id": 1, "name": "Bulk mail", "default": 0},
        {"id": 2, "name": "Shared", "default": 1},
        {"id": 3, "name": "bulk-mail", "default": 0},
        {"id": 4, "name": "default", "default": 0},
    ]
    names = pool_names(pools)
    assert names == {2: "default", 1: "bulk-mail", 3: "bulk-mail-2", 4: "default-2"}
    assigned = [{"organization_id": 1, "ip_pool_id": 1}, {"organization_id": 1, "ip_pool_id": 9}]
    found = pools_of(assigned, names)
    assert found.of_organizations == {1: ("bulk-mail",)}
    assert NO_POOLS.names == {}
    row = {"id": 3, "ip_pool_id": 1, "ipv4": "192.0.2.1", "ipv6": None, "hostname": "A.example"}
    source = value(source_of(row, names))
    assert (source.name, source.pool, source.ehlo) == ("postal-3", "bulk-mail", "a.example")
    assert (source.address, source.address6, source.priority) == ("192.0.2.1", "", 100)
    assert source_of(row, {})[0] is None
    rule = {"id": 1, "uuid": "u", "ip_pool_id": 1, "from_text": "A.example\n", "to_text": None}
    owner = (OrganizationId(7), ServerId(9))
    one = value(rule_of(rule, owner, names, 3))
    assert (one.senders, one.recipients, one.pool) == (("a.example",), (), "bulk-mail")
    assert rule_of(rule, owner, {}, 1)[0] is None
    assert rule_of(rule | {"from_text": ""}, owner, names, 1)[0] is None


def test_suppressions_keep_their_end() -> None:
    (row,) = rows("suppressions", "server")
    one = suppression_of(row)
    assert one is not None
    assert (one.address, one.reason) == ("hard@dest.example", "too many hard fails")
    assert (one.at, one.keep_until) == (1795899885.327685, 1798491885)
    odd = suppression_of(row | {"reason": "by Ada", "keep_until": None})
    assert odd is not None
    assert (odd.reason, odd.note, odd.keep_until) == ("added by hand", "by Ada", NEVER)
    assert suppression_of(row | {"address": ""}) is None
    assert suppression_of(row | {"type": "sender"}) is None


def test_a_configuration_is_read_whatever_it_is() -> None:
    assert read_config(None) == read_config([]) == read_config({"dns": "x", "postal": 3})
    usual = read_config({})
    assert usual.names.return_path_domain == "rp.postal.example.com"
    assert (usual.prefix, usual.database, usual.use_ip_pools) == ("postal", "postal", False)
    given = read_config(
        {
            "version": 2,
            "postal": {"web_hostname": "p.acme.example", "use_ip_pools": True},
            "dns": {"route_domain": "r.acme.example", "mx_records": ["mx.acme.example"]},
            "message_db": {"database_name_prefix": "mail"},
            "main_db": {"password": 17},
        }
    )
    assert given.names.mx == ("mx.acme.example",)
    assert (given.names.web_hostname, given.prefix, given.password) == (
        "p.acme.example",
        "mail",
        "17",
    )
    old = read_config(
        {"web": {"host": "old.example"}, "dns": {"return_path": "rp.old", "mx_records": "x"}}
    )
    assert (old.names.web_hostname, old.names.return_path_domain) == ("old.example", "rp.old")


def _fields(names: Any) -> dict[str, Any]:
    return {name: getattr(names, name) for name in names.__dataclass_fields__}
