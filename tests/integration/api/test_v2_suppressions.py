"""Suppression lists with API v2: of servers, streams and organizations, with what the audit log tells of them."""

from __future__ import annotations

import hashlib
from typing import Any
from urllib.parse import quote

import pytest

from chalicelib import bootstrap
from chalicelib.domain.suppression import Reason
from chalicelib.services.suppress import SuppressRecipients
from tests.http_api import ApiWorld, Reply

SERVER, WHOLE = "acme/app", "acme"
DAY = 86_400


def add(api: ApiWorld, address: str, tenant: str = SERVER, **fields: Any) -> Reply:
    return api.manage("POST", "/suppressions", {"address": address, **fields}, tenant)


def listed(api: ApiWorld, query: str = "", tenant: str = SERVER) -> list[tuple[str, str]]:
    page = api.manage("GET", f"/suppressions{query}", tenant=tenant).json
    return [(one["address"], one["stream"] or one["scope"]) for one in page["data"]]


def refused(reply: Reply) -> tuple[int, str]:
    return reply.status, reply.json["errors"][0]["pointer"] if "errors" in reply.json else ""


def test_an_entry_is_added_shown_renewed_and_removed(api: ApiWorld) -> None:
    made = add(api, "Bob@Example.com", note="asked on the phone")
    assert (made.status, made.headers["location"]) == (
        201,
        "/api/v2/suppressions/bob%40example.com",
    )
    assert made.json == {
        "address": "bob@example.com",
        "scope": "server",
        "stream": None,
        "reason": "manual",
        "text": "added by hand",
        "note": "asked on the phone",
        "evidence": None,
        "created_by": "root",
        "created_at": "2027-01-15T08:00:00.000Z",
        "expires_at": None,
    }
    at = "/suppressions/BOB%40example.com"
    assert api.manage("GET", at, tenant=SERVER).json == made.json
    api.scene.clock.advance(60)
    again = add(api, "bob@example.com", reason="bounce", expires_at="2027-02-01T00:00:00Z")
    assert again.status == 200
    assert "location" not in again.headers
    assert again.json == made.json | {"reason": "bounce", "text": "bounced", "note": None}
    assert api.manage("DELETE", at, tenant=SERVER).status == 204
    assert api.manage("DELETE", at, tenant=SERVER).status == 404
    assert api.manage("GET", at, tenant=SERVER).status == 404


def test_entries_end_as_their_reason_says(api: ApiWorld) -> None:
    days = {"suppression_days": {"bounce": 7}}
    assert api.manage("PATCH", "/servers/acme/app", days).status == 200
    for address, tenant, more, ends in (
        ("a@x.example", SERVER, {"reason": "bounce"}, "2027-01-22T08:00:00.000Z"),
        ("b@x.example", SERVER, {"reason": "complaint"}, None),
        ("c@x.example", SERVER, {"reason": "bounce", "expires_at": "never"}, None),
        ("d@x.example", WHOLE, {"reason": "bounce"}, "2027-02-14T08:00:00.000Z"),
    ):
        assert add(api, address, tenant, **more).json["expires_at"] == ends
    api.scene.clock.advance(8 * DAY)
    assert [address for address, _ in listed(api)] == [
        "d@x.example",
        "c@x.example",
        "b@x.example",
    ] or (
        sorted(address for address, _ in listed(api))
        == ["b@x.example", "c@x.example", "d@x.example"]
    )
    again = {"reason": "bounce", "expires_at": "2027-02-01T00:00:00+01:00"}
    assert add(api, "d@x.example", WHOLE, **again).json["expires_at"] == "2027-02-14T08:00:00.000Z"


def test_a_server_sees_what_acts_on_it_and_changes_its_own(api: ApiWorld) -> None:
    ann = "ann@example.com"
    for name in ("news", "alerts"):
        wanted = {"name": name, "type": "broadcast"}
        assert api.manage("POST", "/streams", wanted, tenant=SERVER).status == 201
    assert add(api, ann, WHOLE).json["scope"] == "organization"
    assert add(api, ann, scope="stream", stream="news").json["stream"] == "news"
    assert add(api, ann, scope="stream", stream="alerts").status == 201
    at = f"/suppressions/{ann}"

    def scope(query: str = "", tenant: str = SERVER) -> Any:
        found = api.manage("GET", f"{at}{query}", tenant=tenant).json
        return found.get("stream") or found.get("scope")

    assert scope() == "alerts"
    assert scope("?stream=news") == "news"
    assert scope("?scope=organization") == scope(tenant=WHOLE) == "organization"
    assert add(api, ann).status == 201
    assert scope() == "server"
    assert sorted(where for _, where in listed(api)) == ["alerts", "news", "organization", "server"]
    assert listed(api, tenant=WHOLE) == [(ann, "organization")]
    for query, left in (
        ("", ["alerts", "news", "organization"]),
        ("?stream=news", ["alerts", "organization"]),
        ("?scope=stream&stream=alerts&note=done", ["organization"]),
    ):
        assert api.manage("DELETE", f"{at}{query}", tenant=SERVER).status == 204
        assert sorted(where for _, where in listed(api)) == left
    assert api.manage("DELETE", at, tenant=SERVER).status == 404
    assert api.manage("DELETE", at, tenant=WHOLE).status == 204


@pytest.mark.parametrize(
    ("tenant", "fields", "pointer"),
    [
        (SERVER, {"address": "nobody"}, "/address"),
        (SERVER, {"address": "*"}, "/address"),
        (SERVER, {"address": "a*@example.com@"}, "/address"),
        (SERVER, {"scope": "organization"}, "/scope"),
        (WHOLE, {"scope": "server"}, "/scope"),
        (SERVER, {"scope": "stream"}, "/stream"),
        (SERVER, {"stream": "news"}, "/stream"),
        (SERVER, {"scope": "stream", "stream": "N"}, "/stream"),
        (SERVER, {"scope": "stream", "stream": "none"}, "/stream"),
        (WHOLE, {"stream": "news"}, "/stream"),
        (SERVER, {"reason": "other"}, "/reason"),
        (SERVER, {"note": "n" * 201}, "/note"),
        (SERVER, {"expires_at": "2020-01-01T00:00:00Z"}, "/expires_at"),
        (SERVER, {"expires_at": "soon"}, "/expires_at"),
        (SERVER, {"created_by": "me"}, "/created_by"),
    ],
)
def test_what_cannot_be_listed_is_refused(
    api: ApiWorld, tenant: str, fields: dict[str, Any], pointer: str
) -> None:
    reply = add(api, **({"address": "a@b.example", "tenant": tenant} | fields))
    assert refused(reply) == (422, pointer)


def test_a_list_is_paged_and_narrowed(api: ApiWorld) -> None:
    names = [f"user{number}@example.com" for number in range(7)]
    for number, name in enumerate(names):
        api.scene.clock.advance(1)
        add(api, name, WHOLE if number % 2 else SERVER, reason="bounce" if number < 3 else "manual")
    found: list[str] = []
    cursor = ""
    while True:
        page = api.manage("GET", f"/suppressions?limit=2{cursor}", tenant=SERVER).json
        found += [one["address"] for one in page["data"]]
        if not page["has_more"]:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert found == names[::-1]
    assert [address for address, _ in listed(api, "?reason=bounce")] == names[2::-1]
    assert [address for address, _ in listed(api, "?scope=organization")] == names[5::-2]
    assert listed(api, f"?address={quote(names[0].upper())}") == [(names[0], "server")]
    since = quote("2027-01-15T08:00:06Z")
    assert [address for address, _ in listed(api, f"?since={since}")] == [names[6], names[5]]
    wrong = api.manage("GET", f"/suppressions?limit=2&reason=bounce{cursor}", tenant=SERVER)
    assert refused(wrong) == (422, "/cursor")
    counts = api.manage("GET", "/suppressions/counts", tenant=SERVER).json
    assert counts == dict.fromkeys(Reason, 0) | {"bounce": 3, "manual": 4}


def test_the_audit_log_tells_of_lists_without_an_address(api: ApiWorld) -> None:
    add(api, "ann@example.com", note="see bob@example.com")
    add(api, "ann@example.com", note="well")
    add(api, "ann@example.com", note="well")
    api.manage("DELETE", "/suppressions/ann@example.com?note=again", tenant=SERVER)
    entries = api.manage("GET", "/audit", tenant=SERVER).json["data"]
    hashed = f"sha256:{hashlib.sha256(b'ann@example.com').hexdigest()}"
    told = [one for one in entries if one["object"]["type"] == "suppression"]
    assert [one["action"] for one in told] == [
        "suppression.delete",
        "suppression.update",
        "suppression.create",
    ]
    assert all(one["object"]["id"] == one["object"]["name"] == hashed for one in told)
    assert (told[1]["before"]["note"][:7], told[1]["after"]) == ("see sha", {"note": "well"})
    assert told[0]["after"] == {"note": "again"}
    assert told[0]["before"]["address"] == told[2]["after"]["address"] == hashed
    assert "@" not in str(told)
    found = api.manage("GET", f"/audit?object={hashed}", tenant=SERVER).json["data"]
    assert len(found) == 3


def test_a_key_of_a_server_changes_nothing_of_the_organization(api: ApiWorld) -> None:
    wanted = {"name": "s", "scopes": ["suppressions:write"], "servers": ["app"]}
    key = api.manage("POST", "/keys", wanted, WHOLE).json["key"]
    entry = {"address": "ann@example.com"}
    assert api.manage("POST", "/suppressions", entry, WHOLE, key).status == 403
    assert add(api, "ann@example.com", WHOLE).status == 201
    at = "/suppressions/ann@example.com"
    assert api.manage("DELETE", at, tenant=WHOLE, key=key).status == 403
    assert api.manage("GET", at, tenant=WHOLE, key=key).status == 200
    assert api.manage("POST", "/suppressions", entry, SERVER, key).status == 201


def test_the_system_renews_and_leaves_what_a_person_said(api: ApiWorld) -> None:
    add(api, "ann@example.com", note="as told", expires_at="2027-02-01T00:00:00Z")
    suppress, server = api.scene.posthorn[SuppressRecipients], api.scene.server
    at = "/suppressions/ann@example.com"
    for reason, left in (
        (Reason.BOUNCE, ("manual", "as told")),
        (Reason.UNSUBSCRIBE, ("unsubscribe", None)),
        (Reason.HARD_FAILS, ("unsubscribe", None)),
        (Reason.COMPLAINT, ("complaint", None)),
    ):
        bootstrap.run(suppress.add(server, "Ann@example.com", reason))
        found = api.manage("GET", at, tenant=SERVER).json
        assert (found["reason"], found["note"]) == left
        assert found["created_at"] == "2027-01-15T08:00:00.000Z"
    assert found["expires_at"] is None
