"""Who may not read what mail says reads it by no way, and lets nobody else."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain.people.roles import Role
from tests.http_api import ApiWorld, Reply
from tests.people import Visitor, visitor

MAIL = {
    "from": "app@acme.test",
    "to": "x@example.com",
    "subject": "Private",
    "text": "secret words",
    "attachments": [{"filename": "a.txt", "content": "eA=="}],
}


def told(reply: Reply) -> tuple[int, str]:
    """Status and code of a problem."""
    return reply.status, reply.json["code"]


@pytest.fixture
def number(api: ApiWorld) -> int:
    """A message."""
    found: int = api.v2("POST", "/emails", MAIL).json["emails"][0]["id"]
    return found


WAYS = ("/emails/{}/raw", "/emails/{}/content", "/emails/{}/attachments/0")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("role", "changes", "status"),
    [
        (Role.VIEWER, {}, 403),
        (Role.VIEWER, {"read_content": True}, 200),
        (Role.MEMBER, {}, 200),
        (Role.MEMBER, {"read_content": False}, 403),
        (Role.ADMIN, {"read_content": False}, 403),
        (Role.OWNER, {"read_content": False}, 200),
        (None, {"admin": True}, 200),
    ],
)
def test_content_is_read_as_the_membership_says(
    api: ApiWorld, number: int, role: Role | None, changes: dict[str, Any], status: int, way: str
) -> None:
    who, tenant = visitor(api, role, **changes), api.scene.server.full_name
    reply = who.ask("GET", way.format(number), tenant=tenant, accept="application/octet-stream")
    assert reply.status == status
    if status == 403:
        assert told(reply) == (403, "content_refused")
        assert b"secret" not in reply.body
    assert who.ask("GET", f"/emails/{number}", tenant=tenant).status == 200
    missing = who.ask("GET", way.format(424_242), tenant=tenant)
    assert told(missing) == (404, "not_found")


def blind(api: ApiWorld) -> Visitor:
    """An admin who does not read mail."""
    return visitor(api, Role.ADMIN, read_content=False)


def test_they_make_no_key_that_reads(api: ApiWorld) -> None:
    who, tenant = blind(api), api.scene.server.full_name
    for scopes in (["emails:read"], ["emails:write"], ["domains:read", "emails:read"]):
        reply = who.ask("POST", "/keys", {"name": "k", "scopes": scopes}, tenant)
        assert told(reply) == (403, "content_refused")
        made = {"kind": "API", "name": "c", "scopes": scopes[-1:]}
        assert told(who.ask("POST", "/credentials", made, tenant))[0] in (403, 422)
    usual = who.ask("POST", "/credentials", {"kind": "API", "name": "c"}, tenant)
    assert told(usual) == (403, "content_refused")
    made = {"kind": "API", "name": "c", "scopes": ["emails:send"]}
    assert who.ask("POST", "/credentials", made, tenant).status == 201
    assert who.ask("POST", "/credentials", {"kind": "SMTP", "name": "s"}, tenant).status == 201
    key = who.ask("POST", "/keys", {"name": "k", "scopes": ["domains:read"]}, tenant)
    assert key.status == 201


def test_they_lead_no_mail_elsewhere(api: ApiWorld, number: int) -> None:
    who, tenant = blind(api), api.scene.server.full_name
    end = {"type": "http", "name": "e", "url": "https://app.example/in"}
    endpoint = api.manage("POST", "/endpoints", end, tenant).json["id"]
    domain = {"name": "in.example", "verification_method": "Email"}
    api.manage("POST", "/domains", domain, tenant)
    api.manage("POST", "/domains/in.example/trust", None, tenant)
    way = {"name": "*", "domain": "in.example", "mode": "Hold"}
    route = api.manage("POST", "/routes", way, tenant).json["id"]
    asked = (
        ("POST", "/endpoints", end | {"name": "f"}),
        ("PATCH", f"/endpoints/{endpoint}", {"url": "https://elsewhere.example/"}),
        ("POST", "/routes", way | {"name": "support"}),
        ("PATCH", f"/routes/{route}", {"endpoint": endpoint, "mode": "Endpoint"}),
        ("POST", f"/emails/{number}/replay", {"endpoint": endpoint}),
        ("POST", "/jobs", {"type": "replay", "ids": [number], "endpoint": endpoint}),
    )
    for method, path, value in asked:
        assert told(who.ask(method, path, value, tenant)) == (403, "content_refused"), path
    assert who.ask("DELETE", f"/routes/{route}", tenant=tenant).status == 204
