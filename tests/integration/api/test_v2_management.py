"""Organizations, servers and keys through the API, with keys that may different things in different tenants."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote

import pytest

from chalicelib import bootstrap
from chalicelib.domain.errors import TemporaryFailure
from chalicelib.ports.repository import Repository
from chalicelib.services.tenancy.servers import ServerOptions, Servers
from tests.http_api import ApiWorld, Reply


def refused(reply: Reply) -> tuple[int, str]:
    return reply.status, reply.json["code"]


def places(reply: Reply) -> list[tuple[str, str]]:
    return [(one["pointer"], one["code"]) for one in reply.json["errors"]]


def a_key(api: ApiWorld, *scopes: str, tenant: str = "acme", **more: Any) -> str:
    made = api.manage("POST", "/keys", {"name": "k", "scopes": list(scopes), **more}, tenant)
    assert made.status == 201, made
    key: str = made.json["key"]
    return key


def test_an_organization_is_made_changed_and_suspended(api: ApiWorld) -> None:
    made = api.manage("POST", "/organizations", {"name": "Größer & Co"})
    assert made.status == 201
    assert made.headers["location"] == "/api/v2/organizations/groer-co"
    found = made.json
    assert found["permalink"] == "groer-co"
    assert (found["suspended_at"], found["suspension_reason"]) == (None, None)

    at = "/organizations/groer-co"
    assert api.manage("PATCH", at, {"name": "New"}).json["name"] == "New"
    assert api.manage("GET", at).json == {**found, "name": "New"}
    suspended = api.manage("POST", f"{at}/suspend", {"reason": "unpaid"}).json
    assert suspended["suspension_reason"] == "unpaid"
    again = api.manage("POST", f"{at}/suspend", {"reason": "other"}).json
    assert again == suspended
    assert api.manage("POST", f"{at}/unsuspend").json["suspended_at"] is None


def test_a_taken_permalink_is_a_conflict_at_its_field(api: ApiWorld) -> None:
    reply = api.manage("POST", "/organizations", {"name": "X", "permalink": "acme"})
    assert refused(reply) == (409, "conflict")
    assert places(reply) == [("/permalink", "taken")]
    assert api.manage("POST", "/organizations", {"name": "Acme"}).json["permalink"] == "acme-2"


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"name": "x", "id": 5}, "/id"),
        ({"name": "x", "bogus": 1}, "/bogus"),
        ({}, "/name"),
        ({"name": ""}, "/name"),
        ({"name": "x", "permalink": "New!"}, "/permalink"),
        ({"name": "x", "permalink": "admin"}, "/permalink"),
        ({"name": "§§"}, "/permalink"),
    ],
)
def test_wrong_fields_are_named(api: ApiWorld, body: dict[str, Any], place: str) -> None:
    reply = api.manage("POST", "/organizations", body)
    assert reply.status == 422
    assert place in [where for where, _ in places(reply)]


def test_a_patch_leaves_what_is_absent_and_null_is_the_default(api: ApiWorld) -> None:
    at = "/servers/acme/app"
    before = api.manage("GET", at).json
    changed = api.manage("PATCH", at, {"send_limit": 10, "retry_schedule": "1m,5m*2"}).json
    assert changed == {**before, "send_limit": 10, "retry_schedule": "1m,5m*2"}
    assert api.manage("PATCH", at, {"send_limit": None, "retry_schedule": None}).json == before
    assert api.manage("PATCH", at, {}).json == before
    assert places(api.manage("PATCH", at, {"name": None}))
    for once in ("permalink", "shards", "token", "id"):
        assert places(api.manage("PATCH", at, {once: 1})) == [(f"/{once}", "extra_forbidden")]


def test_thresholds_of_spam_have_their_limits(api: ApiWorld) -> None:
    at, own = "/servers/acme/app", a_key(api, "servers:write")
    before = api.manage("GET", at).json
    names = ("spam_threshold", "spam_failure_threshold", "outbound_spam_threshold")
    assert [before[name] for name in names] == [5, 20, None]
    set_to = {"spam_threshold": -10, "spam_failure_threshold": 12.5}
    assert api.manage("PATCH", at, set_to, key=own).json == {**before, **set_to}
    scanned = api.manage("PATCH", at, {"outbound_spam_threshold": 50}).json
    assert scanned == {**before, **set_to, "outbound_spam_threshold": 50}
    assert api.manage("PATCH", at, dict.fromkeys(names)).json == before
    for name, wrong in (
        ("spam_threshold", (-10.1, 25.1, "5", True)),
        ("spam_failure_threshold", (9.9, 50.1)),
        ("outbound_spam_threshold", (-10.1, 50.1, "x")),
    ):
        for value in wrong:
            reply = api.manage("PATCH", at, {name: value})
            assert {pointer for pointer, _ in places(reply)} == {f"/{name}"}
    for wanted in ({"outbound_spam_threshold": 5}, {"outbound_spam_threshold": None}):
        assert refused(api.manage("PATCH", at, wanted, key=own))[0] == 403


def test_days_of_suppression_are_merged_and_each_has_its_default(api: ApiWorld) -> None:
    at = "/servers/acme/app"
    usual = api.manage("GET", at).json["suppression_days"]

    def after(days: object) -> Any:
        return api.manage("PATCH", at, {"suppression_days": days}).json["suppression_days"]

    set_to = {"bounce": 7, "soft_fails": "forever", "manual": 3}
    assert after(set_to) == {**usual, **set_to}
    assert after({"bounce": None, "manual": None}) == {**usual, "soft_fails": "forever"}
    assert after(None) == usual
    for wrong in (0, 3_651, "never", True, 1.5, [1]):
        reply = api.manage("PATCH", at, {"suppression_days": {"bounce": wrong, "x": 1}})
        assert places(reply) == [
            ("/suppression_days/bounce", "days"),
            ("/suppression_days/x", "extra_forbidden"),
        ]


def test_operators_alone_set_what_is_theirs(api: ApiWorld) -> None:
    at, own = "/servers/acme/app", a_key(api, "servers:write")
    assert api.manage("PATCH", at, {"mode": "Development"}, key=own).status == 200
    reply = api.manage("PATCH", at, {"send_limit": 1}, key=own)
    assert (*refused(reply), reply.json["scope"]) == (403, "scope_missing", "installation:write")
    assert refused(api.manage("POST", f"{at}/suspend", {"reason": "x"}, key=own))[0] == 403
    operator = a_key(api, "installation:write", tenant="")
    assert api.manage("PATCH", at, {"send_limit": 1}, key=operator).status == 200
    reply = api.manage("PATCH", at, {"mode": "Live"}, key=operator)
    assert (*refused(reply), reply.json["scope"]) == (403, "scope_missing", "servers:write")


LIMITS = {"send_limit": 10, "send_limit_day": 20, "send_limit_month": 30}


def test_send_limits_are_set_by_operators_and_what_becomes_of_mail_by_their_tenants(
    api: ApiWorld,
) -> None:
    own, operator = a_key(api, "servers:write"), a_key(api, "installation:write", tenant="")
    people = a_key(api, "people:write")
    server, organization = "/servers/acme/app", "/organizations/acme"
    for field in LIMITS:
        for at, key in ((server, own), (organization, people)):
            reply = api.manage("PATCH", at, {field: 1}, key=key)
            assert (*refused(reply), reply.json["scope"]) == (
                403,
                "scope_missing",
                "installation:write",
            )
        for wrong in (0, -1, 1.5, True, "5", 2**31):
            assert len(places(api.manage("PATCH", server, {field: wrong}))) == 1
    refuse = {"send_limit_action": "refuse"}
    assert api.manage("PATCH", server, refuse, key=own).json["send_limit_action"] == "refuse"
    reply = api.manage("PATCH", organization, refuse, key=people)
    assert reply.json["scope"] == "installation:write"
    for at in (server, organization):
        assert api.manage("PATCH", at, LIMITS, key=operator).status == 200
        changed = api.manage("PATCH", at, refuse).json
        assert {name: changed[name] for name in LIMITS} == LIMITS
        assert changed["send_limit_action"] == "refuse"
        cleared = api.manage("PATCH", at, dict.fromkeys((*LIMITS, *refuse))).json
        assert [cleared[name] for name in (*LIMITS, *refuse)] == [None, None, None, "hold"]


def test_no_credential_changes_its_own_limits(api: ApiWorld) -> None:
    made = api.manage(
        "POST",
        "/credentials",
        {"kind": "API", "name": "x", "scopes": ["servers:write"], **LIMITS},
        "acme/app",
    ).json
    assert {name: made[name] for name in (*LIMITS, "send_limit_action")} == {
        **LIMITS,
        "send_limit_action": "hold",
    }
    at = f"/credentials/{made['id']}"
    for change in ({"send_limit": None}, {"send_limit_day": 5}, {"send_limit_action": "refuse"}):
        assert refused(api.v2("PATCH", at, change, made["key"]))[0] == 403
        assert api.manage("PATCH", at, change, "acme/app").status == 200


def test_a_server_is_made_by_a_key_of_its_organization(api: ApiWorld) -> None:
    own = a_key(api, "servers:write")
    made = api.manage("POST", "/servers", {"organization": "acme", "name": "Second"}, key=own)
    assert made.headers["location"] == "/api/v2/servers/acme/second"
    api.manage("POST", "/organizations", {"name": "Other"})
    reply = api.manage("POST", "/servers", {"organization": "other", "name": "X"}, key=own)
    assert places(reply) == [("/organization", "unknown_reference")]
    assert [one["server"] for one in api.manage("GET", "/servers", key=own).json["data"]] == [
        "acme/second",
        "acme/app",
    ]


def test_lists_page_newest_first_and_cursors_are_good_for_one_list(api: ApiWorld) -> None:
    for number in range(5):
        api.manage("POST", "/organizations", {"name": f"Org {number}"})
    first = api.manage("GET", "/organizations?limit=4").json
    assert [one["permalink"] for one in first["data"]] == ["org-4", "org-3", "org-2", "org-1"]
    assert first["has_more"]
    cursor = first["next_cursor"]
    rest = api.manage("GET", f"/organizations?cursor={cursor}").json
    assert [one["permalink"] for one in rest["data"]] == ["org-0", "acme"]
    assert (rest["has_more"], rest["next_cursor"]) == (False, None)

    other = a_key(api, "*", tenant="")
    for reply in (
        api.manage("GET", f"/organizations?cursor={cursor}", key=other),
        api.manage("GET", f"/organizations?cursor={cursor[:-1]}"),
        api.manage("GET", f"/organizations?cursor={cursor}A"),
        api.manage("GET", f"/servers?cursor={cursor}"),
        api.manage("GET", "/organizations?cursor=%00"),
    ):
        assert places(reply) == [("/cursor", "cursor")]
    assert places(api.manage("GET", "/organizations?bogus=1")) == [("/bogus", "extra_forbidden")]
    assert places(api.manage("GET", "/organizations?limit=1&limit=2")) == [("/limit", "repeated")]


def test_a_key_sees_its_organization_alone(api: ApiWorld) -> None:
    own = a_key(api, "*")
    api.manage("POST", "/organizations", {"name": "Other"})
    listed = api.manage("GET", "/organizations", key=own).json["data"]
    assert [one["permalink"] for one in listed] == ["acme"]
    for path in ("/organizations/other", "/organizations/none", "/servers/other/app"):
        assert refused(api.manage("GET", path, key=own)) == (404, "not_found")
    assert refused(api.manage("GET", "/keys", tenant="other", key=own)) == (404, "not_found")
    assert refused(api.manage("GET", "/keys", key=own)) == (422, "tenant_required")
    assert refused(api.manage("GET", "/emails", key=own)) == (422, "tenant_required")
    assert refused(api.manage("GET", "/emails", tenant="acme", key=own)) == (422, "tenant_required")
    assert api.manage("GET", "/emails", tenant="acme/app", key=own).status == 200


def test_a_management_key_sends_in_a_server_that_it_names(api: ApiWorld) -> None:
    own = a_key(api, "emails:send")
    mail = {"from": "app@acme.test", "to": "x@example.com", "text": "x"}
    assert api.manage("POST", "/emails", mail, "acme/app", own).status == 202
    reply = api.manage("GET", "/emails", tenant="acme/app", key=own)
    assert (*refused(reply), reply.json["scope"]) == (403, "scope_missing", "emails:read")


def test_a_key_limited_to_some_servers_reaches_no_other(api: ApiWorld) -> None:
    api.manage("POST", "/servers", {"organization": "acme", "name": "Second"})
    own = a_key(api, "*", servers=["second"])
    assert api.manage("GET", "/servers/acme/second", key=own).status == 200
    assert refused(api.manage("GET", "/servers/acme/app", key=own)) == (404, "not_found")
    made = {"organization": "acme", "name": "Third"}
    assert refused(api.manage("POST", "/servers", made, key=own)) == (403, "refused")
    given = api.manage("POST", "/keys", {"name": "n", "scopes": ["*"]}, "acme", own)
    assert refused(given) == (403, "refused")
    limited = {"name": "n", "scopes": ["emails:read"], "servers": ["second"]}
    assert api.manage("POST", "/keys", limited, "acme", own).status == 201
    other = limited | {"servers": ["app"]}
    assert places(api.manage("POST", "/keys", other, "acme", own)) == [
        ("/servers/0", "unknown_reference")
    ]


def test_nobody_gives_more_than_they_have(api: ApiWorld) -> None:
    future = "2100-01-01T00:00:00Z"
    own = a_key(api, "people:write", "domains:read", networks=["127.0.0.0/8"], expires_at=future)
    give = {"name": "n", "scopes": ["domains:read"], "networks": ["127.0.0.1/32"]}
    ends = give | {"expires_at": "2099-01-01T00:00:00Z"}
    assert api.manage("POST", "/keys", ends, "acme", own).status == 201
    for scopes, missing in ((["*"], "*"), (["domains:write"], "domains:write")):
        reply = api.manage("POST", "/keys", ends | {"scopes": scopes}, "acme", own)
        assert (*refused(reply), reply.json["scope"]) == (403, "scope_missing", missing)
    for beyond in (
        give,
        give | {"expires_at": "2100-01-02T00:00:00Z"},
        ends | {"networks": []},
        ends | {"networks": ["127.0.0.1/32", "192.0.2.0/24"]},
    ):
        assert refused(api.manage("POST", "/keys", beyond, "acme", own)) == (403, "refused")
    for scope in ("installation:read",):
        reply = api.manage("POST", "/keys", {"name": "n", "scopes": [scope]}, "acme")
        assert places(reply) == [("/scopes/0", "scope")]


def test_keys_end_and_are_bound_to_networks(api: ApiWorld) -> None:
    own = a_key(api, "*", networks=["192.0.2.0/24"])
    assert refused(api.manage("GET", "/organizations", key=own)) == (403, "network_refused")
    mine = api.manage("GET", "/keys", tenant="acme").json["data"][0]
    at = f"/keys/{mine['id']}"
    api.manage("PATCH", at, {"networks": [], "expires_at": "2100-01-01T00:00:00Z"}, "acme")
    assert api.manage("GET", "/organizations", key=own).status == 200
    for change in ({"networks": ["::/0"]}, {"expires_at": None}):
        assert refused(api.manage("PATCH", at, change, "acme", own)) == (403, "refused")
    api.scene.clock.advance(80 * 365 * 86_400)
    assert refused(api.manage("GET", "/organizations", key=own)) == (401, "unauthenticated")
    past = {"name": "n", "scopes": ["*"], "expires_at": "2000-01-01T00:00:00Z"}
    assert places(api.manage("POST", "/keys", past, "acme")) == [("/expires_at", "past")]


def test_a_revoked_key_is_nobody(api: ApiWorld) -> None:
    own = a_key(api, "*")
    mine = api.manage("GET", "/keys", tenant="acme", key=own).json["data"][0]
    assert mine["hint"] == own[-4:]
    assert api.manage("DELETE", f"/keys/{mine['id']}", tenant="acme").status == 204
    assert refused(api.manage("GET", "/organizations", key=own)) == (401, "unauthenticated")
    assert refused(api.manage("DELETE", f"/keys/{mine['id']}", tenant="acme"))[0] == 404


def test_a_key_that_was_made_is_repeated_to_its_maker_alone(api: ApiWorld) -> None:
    wanted = {"name": "n", "scopes": ["emails:read"]}
    first = api.manage("POST", "/keys", wanted, "acme", idempotency_key="one")
    again = api.manage("POST", "/keys", wanted, "acme", idempotency_key="one")
    assert again.json == first.json
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["location"] == first.headers["location"]
    other = a_key(api, "*")
    reply = api.manage("POST", "/keys", wanted, "acme", other, idempotency_key="one")
    assert refused(reply) == (422, "idempotency_key_reused")
    kept = [one["name"] for one in api.manage("GET", "/keys", tenant="acme").json["data"]]
    assert sorted(kept) == ["k", "n"]


def test_a_server_key_is_its_server_and_never_a_manager(api: ApiWorld) -> None:
    for path in ("/organizations", "/servers", "/keys"):
        assert refused(api.v2("GET", path)) == (403, "scope_missing")
    elsewhere = api.v2("GET", "/emails", posthorn_tenant="acme/other")
    assert refused(elsewhere) == (404, "not_found")
    assert api.v2("GET", "/emails", posthorn_tenant="acme/app").status == 200


def test_a_large_body_is_refused_before_anything_is_looked_at(api: ApiWorld) -> None:
    body = b'{"name": "' + b"x" * 300_000 + b'"}'
    reply = api.manage("POST", "/organizations", body, key="phm_wrong")
    assert refused(reply) == (413, "content_too_large")


def test_a_management_key_is_no_server_key(api: ApiWorld) -> None:
    key = api.installation_key
    reply = api.call("GET", "/api/v2/emails", None, {"x-server-api-key": key})
    assert refused(reply) == (401, "unauthenticated")
    assert api.v1("messages/message", {"id": 1}, key)["data"]["code"] == "InvalidServerAPIKey"


def test_other_methods_and_paths_are_told_apart(api: ApiWorld) -> None:
    reply = api.manage("PUT", "/organizations/acme")
    assert (*refused(reply), reply.headers["allow"]) == (
        405,
        "method_not_allowed",
        "DELETE, GET, PATCH",
    )
    assert refused(api.manage("GET", "/organizations/acme/nothing")) == (404, "not_found")


def test_a_limited_key_reads_the_organization_and_changes_nothing_of_it(api: ApiWorld) -> None:
    api.manage("POST", "/servers", {"organization": "acme", "name": "Second"})
    own = a_key(api, "*", servers=["second"])
    assert api.manage("GET", "/organizations/acme", key=own).status == 200
    for reply in (
        api.manage("PATCH", "/organizations/acme", {"name": "x"}, key=own),
        api.manage("POST", "/servers", {"organization": "acme", "name": "x"}, key=own),
    ):
        assert refused(reply) == (403, "refused")
    tenants = {one["tenant"] for one in entries_of(api, "acme", own)}
    assert tenants == {"acme/second"}
    assert {one["tenant"] for one in entries_of(api, "acme/second", own)} == {"acme/second"}


def entries_of(api: ApiWorld, tenant: str, key: str) -> list[Any]:
    found: list[Any] = api.manage("GET", "/audit?limit=100", tenant=tenant, key=key).json["data"]
    return found


def test_an_answer_is_repeated_to_whoever_may_as_much_alone(api: ApiWorld) -> None:
    wanted = {"organization": "acme", "name": "Idem", "send_limit": 5}
    first = api.manage("POST", "/servers", wanted, idempotency_key="one")
    assert api.manage("POST", "/servers", wanted, idempotency_key="one").json == first.json
    for key in (a_key(api, "servers:write", tenant=""), a_key(api, "*")):
        again = api.manage("POST", "/servers", wanted, key=key, idempotency_key="one")
        assert again.status in {201, 403, 422}
        assert again.headers.get("idempotent-replayed") is None
    for query in ("?pool=default", "?pool=none"):
        api.manage("POST", f"/sources/default/suspend{query}", idempotency_key="two")
    reply = api.manage("POST", "/sources/default/suspend?pool=none", idempotency_key="two")
    assert refused(reply) == (422, "idempotency_key_reused")


def test_nobody_sends_from_a_suspended_server_and_managers_still_look(api: ApiWorld) -> None:
    own = a_key(api, "*")
    api.manage("POST", "/servers/acme/app/suspend", {"reason": "spam"})
    mail = {"from": "app@acme.test", "to": "x@example.com", "text": "x"}
    for path, body in (("/emails", mail), ("/emails/batch", [mail]), ("/uploads", {"size": 5})):
        reply = api.manage("POST", path, body, "acme/app", own)
        assert refused(reply) == (403, "server_suspended")
    assert api.manage("GET", "/emails", tenant="acme/app", key=own).status == 200


def test_a_suspension_that_broke_half_way_can_be_repeated(
    api: ApiWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository, real = api.scene.posthorn[Repository], api.scene.posthorn[Repository].note

    async def away(*_: Any, **__: Any) -> None:
        raise TemporaryFailure("The store is away")

    with monkeypatch.context() as broken:
        broken.setattr(repository, "note", away)
        assert api.manage("POST", "/organizations/acme/suspend", {"reason": "a"}).status == 503
    assert real
    again = api.manage("POST", "/organizations/acme/suspend", {"reason": "b"}).json
    assert again["suspension_reason"] == "a"
    assert api.manage("GET", "/servers/acme/app").json["suspended"]
    assert api.manage("POST", "/organizations/acme/unsuspend").status == 200
    assert not api.manage("GET", "/servers/acme/app").json["suspended"]


@pytest.mark.parametrize(
    "moment",
    [
        "9999-12-31T23:59:59-12:00",
        "0001-01-01T00:00:00+12:00",
        "4102444800",
        "2100-01-01 00:00:00Z",
        "2100-01-01T00:00:00",
        "",
    ],
)
def test_odd_times_are_wrong_fields(api: ApiWorld, moment: str) -> None:
    wanted = {"name": "n", "scopes": ["*"], "expires_at": moment}
    reply = api.manage("POST", "/keys", wanted, "acme")
    assert (reply.status, [where for where, _ in places(reply)]) == (422, ["/expires_at"])
    reply = api.manage("GET", f"/audit?since={quote(moment)}")
    assert (reply.status, [where for where, _ in places(reply)]) == (422, ["/since"])


@pytest.mark.parametrize("path", ["/keys/{}", "/servers/acme/{}", "/organizations/{}"])
def test_a_long_name_in_a_path_is_not_found(api: ApiWorld, path: str) -> None:
    tenant = "acme" if path.startswith("/keys") else ""
    reply = api.manage("GET", path.format("x" * 3_000), tenant=tenant)
    assert refused(reply) == (404, "not_found")


def test_a_verb_takes_no_body_or_an_empty_object(api: ApiWorld) -> None:
    at = "/servers/acme/app/unsuspend"
    assert api.manage("POST", at, {}).status == 200
    assert api.manage("POST", at).status == 200
    assert places(api.manage("POST", at, {"bogus": 1})) == [("/bogus", "extra_forbidden")]
    assert refused(api.manage("POST", at, b"junk")) == (400, "malformed_request")


@pytest.mark.parametrize("limit", ["5_0", "+5", "%205", "5.0", "0x5", "%D9%A5"])
def test_a_limit_is_digits(api: ApiWorld, limit: str) -> None:
    for path in ("/servers", "/emails"):
        reply = api.manage("GET", f"{path}?limit={limit}", tenant="acme/app")
        assert [pointer for pointer, _ in places(reply)] == ["/limit"]


def test_null_for_what_must_be_there_is_named(api: ApiWorld) -> None:
    for path in ("/servers/acme/app", "/organizations/acme"):
        assert places(api.manage("PATCH", path, {"name": None})) == [("/name", "required")]


def test_a_key_of_a_suspended_server_is_refused_everything(api: ApiWorld) -> None:
    assert api.v2("GET", "/installation").status == 200
    api.manage("POST", "/servers/acme/app/suspend", {"reason": "asked"})
    assert refused(api.v2("GET", "/installation")) == (403, "server_suspended")


@pytest.mark.parametrize("network", ["fe80::77%eth0", "fe80::77%a\n<b>"])
def test_an_address_of_an_interface_is_no_network(api: ApiWorld, network: str) -> None:
    made = {"kind": "SMTP-IP", "name": "n", "network": network}
    assert api.manage("POST", "/credentials", made, "acme/app").status == 422
    bound = {"name": "k", "scopes": ["*"], "networks": [network]}
    assert places(api.manage("POST", "/keys", bound, "acme")) == [("/networks/0", "network")]


def test_a_change_needs_a_body(api: ApiWorld) -> None:
    assert refused(api.manage("PATCH", "/servers/acme/app")) == (415, "unsupported_media_type")
    typed = api.manage("PATCH", "/servers/acme/app", b"", content_type="application/json")
    assert refused(typed) == (400, "malformed_request")


def test_a_change_that_others_overtake_loses_nothing(api: ApiWorld) -> None:
    servers, at = api.scene.posthorn[Servers], "/servers/acme/app"

    async def both() -> None:
        known = await servers.get("acme", "app")
        renamed = servers.update(known, ServerOptions.of(known), "New name")
        await asyncio.gather(renamed, servers.suspend(known, "spam"))

    for _ in range(5):
        bootstrap.run(both())
        found = api.manage("GET", at).json
        assert (found["name"], found["suspension_reason"]) == ("New name", "spam")
        api.manage("POST", f"{at}/unsuspend")
        api.manage("PATCH", at, {"name": "App"})


def test_an_empty_bearer_is_nobody_whatever_else_comes_along(api: ApiWorld) -> None:
    headers = {"authorization": "Bearer ", "x-server-api-key": api.scene.api_key}
    assert refused(api.call("GET", "/api/v2/emails", None, headers)) == (401, "unauthenticated")
