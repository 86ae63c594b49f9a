"""Streams through the API: two that every server has and that stay, others that are made, changed and removed."""

from __future__ import annotations

from tests.http_api import ApiWorld
from tests.integration.api.test_v2_management import places, refused

TENANT = "acme/app"


def names(api: ApiWorld) -> list[str]:
    return [one["name"] for one in api.manage("GET", "/streams", tenant=TENANT).json["data"]]


def test_every_server_has_two_streams(api: ApiWorld) -> None:
    found = api.manage("GET", "/streams", tenant=TENANT).json["data"]
    assert [(one["name"], one["type"], one["unsubscribe"]) for one in found] == [
        ("transactional", "transactional", False),
        ("broadcast", "broadcast", True),
    ]
    assert api.manage("GET", "/streams/broadcast", tenant=TENANT).json == found[1]
    for one in found:
        assert refused(api.manage("DELETE", f"/streams/{one['name']}", tenant=TENANT)) == (
            409,
            "conflict",
        )
        wanted = {"name": one["name"], "type": one["type"]}
        taken = api.manage("POST", "/streams", wanted, TENANT)
        assert (taken.status, places(taken)) == (409, [("/name", "taken")])


def test_a_stream_is_made_changed_and_removed(api: ApiWorld) -> None:
    made = api.manage("POST", "/streams", {"name": "news", "type": "broadcast"}, TENANT)
    assert (made.status, made.headers["location"]) == (201, "/api/v2/streams/news")
    assert made.json["unsubscribe"] is True
    quiet = {"name": "a-1", "type": "broadcast", "unsubscribe": False}
    assert api.manage("POST", "/streams", quiet, TENANT).json["unsubscribe"] is False
    assert names(api) == ["transactional", "broadcast", "a-1", "news"]
    again = api.manage("POST", "/streams", {"name": "news", "type": "transactional"}, TENANT)
    assert (again.status, places(again)) == (409, [("/name", "taken")])
    changed = api.manage("PATCH", "/streams/news", {"unsubscribe": False}, TENANT)
    assert changed.json == {**made.json, "unsubscribe": False}
    default = api.manage("PATCH", "/streams/news", {"unsubscribe": None}, TENANT)
    assert default.json == made.json
    assert api.manage("DELETE", "/streams/news", tenant=TENANT).status == 204
    assert api.manage("GET", "/streams/news", tenant=TENANT).status == 404
    assert api.manage("DELETE", "/streams/news", tenant=TENANT).status == 404
    actions = [one["action"] for one in api.manage("GET", "/audit", tenant="acme").json["data"]]
    assert actions[:5] == [
        "stream.delete",
        "stream.update",
        "stream.update",
        "stream.create",
        "stream.create",
    ]


def test_a_stream_that_every_server_has_can_be_changed(api: ApiWorld) -> None:
    at = "/streams/transactional"
    before = len(api.manage("GET", "/audit", tenant="acme").json["data"])
    assert api.manage("PATCH", at, {"unsubscribe": False}, TENANT).status == 200
    for wanted in (True, False, None, True):
        changed = api.manage("PATCH", at, {"unsubscribe": wanted}, TENANT)
        assert changed.json["unsubscribe"] is bool(wanted)
        assert api.manage("GET", at, tenant=TENANT).json == changed.json
    assert names(api) == ["transactional", "broadcast"]
    entries = api.manage("GET", "/audit", tenant="acme").json["data"]
    assert [one["action"] for one in entries[: len(entries) - before]] == ["stream.update"] * 3
    assert refused(api.manage("DELETE", at, tenant=TENANT)) == (409, "conflict")


def test_name_and_type_are_given_once(api: ApiWorld) -> None:
    for name in ("News", "a b", "ä", "", "x" * 41, "a_b", "a/b", "a\n"):
        wrong = api.manage("POST", "/streams", {"name": name, "type": "broadcast"}, TENANT)
        assert (wrong.status, places(wrong)[0][0]) == (422, "/name"), name
    wrong = api.manage("POST", "/streams", {"name": "news", "type": "bulk"}, TENANT)
    assert [place for place, _ in places(wrong)] == ["/type"]
    api.manage("POST", "/streams", {"name": "x" * 40, "type": "broadcast"}, TENANT)
    for field in ("name", "type"):
        wrong = api.manage("PATCH", f"/streams/{'x' * 40}", {field: "broadcast"}, TENANT)
        assert places(wrong) == [(f"/{field}", "extra_forbidden")]
    assert api.manage("PATCH", "/streams/other", {"unsubscribe": True}, TENANT).status == 404


def test_a_server_has_twenty_at_most(api: ApiWorld) -> None:
    for number in range(18):
        wanted = {"name": f"s{number}", "type": "transactional"}
        assert api.manage("POST", "/streams", wanted, TENANT).status == 201
    assert len(names(api)) == 20
    one_more = api.manage("POST", "/streams", {"name": "more", "type": "broadcast"}, TENANT)
    assert refused(one_more) == (409, "conflict")
    api.manage("PATCH", "/streams/transactional", {"unsubscribe": True}, TENANT)
    assert len(names(api)) == 20
