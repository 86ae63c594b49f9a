"""What is wrong with the form of the fields of a request is named at once, before what they name is looked for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.http_api import ApiWorld

LONG_AGO = "2020-01-31T12:00:00Z"


@pytest.mark.parametrize(
    ("request_line", "body", "wrong"),
    [
        (
            "POST /keys",
            {
                "name": "\n",
                "scopes": ["domains:all"],
                "servers": ["nope"],
                "networks": ["10.0.0.0/40"],
                "expires_at": LONG_AGO,
            },
            "/name /scopes/0 /networks/0 /expires_at",
        ),
        (
            "POST /organizations",
            {"name": 5, "permalink": "-x", "time_zone": "Mars", "pools": []},
            "/name /permalink /time_zone /pools",
        ),
        ("POST /organizations", {"name": "A", "permalink": "new"}, "/permalink"),
        ("PATCH /organizations/acme", {"name": " ", "time_zone": "Mars"}, "/name /time_zone"),
        ("POST /organizations/acme/suspend", {"reason": "\t"}, "/reason"),
        (
            "POST /servers",
            {"organization": "nope", "name": "A", "permalink": "all", "retry_schedule": "x"},
            "/retry_schedule /permalink",
        ),
        ("PATCH /servers/acme/app", {"retry_schedule": "x", "pool": "nope"}, "/retry_schedule"),
        (
            "POST /pool-rules",
            {"pool": "nope", "from": ["acme.example", "a b"], "to": ["bad address@"]},
            "/from/1 /to/0",
        ),
        ("POST /pool-rules", {"pool": "nope", "to": []}, "/from"),
        (
            "POST /domains",
            {"name": "a b", "verification_method": "Fax"},
            "/name /verification_method",
        ),
        (
            "POST /track-domains",
            {"domain": "nope.example", "label": "a b", "excluded_click_domains": ["a b"]},
            "/label /excluded_click_domains",
        ),
        (
            "POST /credentials",
            {"kind": "API", "name": "", "networks": ["x"], "expires_at": LONG_AGO},
            "/name /networks/0 /expires_at",
        ),
    ],
)
def test_every_wrong_form_is_named(
    api: ApiWorld, request_line: str, body: dict[str, Any], wrong: str
) -> None:
    method, path = request_line.split()
    noun = path.split("/")[1]
    tenant = {"organizations": "", "servers": "", "keys": "acme"}.get(noun, "acme/app")
    reply = api.manage(method, path, body, tenant)
    assert reply.status == 422
    assert [one["pointer"] for one in reply.json["errors"]] == wrong.split()


def test_one_wrong_field_is_told_of_in_a_sentence(api: ApiWorld) -> None:
    reply = api.manage("PATCH", "/organizations/acme", {"time_zone": "Mars"})
    assert reply.json["detail"] == "There is no time zone 'Mars', such as Europe/Vienna"


def test_an_end_that_has_passed_meanwhile_does_not_spoil_a_repetition(api: ApiWorld) -> None:
    clock = api.scene.clock
    end = datetime.fromtimestamp(clock.now() + 60, UTC).isoformat()
    body = {"name": "k", "scopes": ["domains:read"], "expires_at": end}
    again = {"idempotency-key": "once"}
    first = api.manage("POST", "/keys", body, "acme", **again)
    clock.advance(120)
    assert (first.status, api.manage("POST", "/keys", body, "acme", **again).json) == (
        201,
        first.json,
    )
    assert api.manage("POST", "/keys", body, "acme").json["errors"][0]["code"] == "past"


@pytest.mark.parametrize(
    "request_line",
    [
        "GET /health",
        "GET /openapi.json",
        "GET /metrics",
        "GET /installation",
        "POST /emails",
        "POST /emails/batch",
    ],
)
def test_a_query_parameter_that_nobody_knows_is_wrong_everywhere(
    api: ApiWorld, request_line: str
) -> None:
    method, path = request_line.split()
    mail = {"from": "app@acme.test", "to": "x@example.com", "text": "x"}
    body = ([mail] if path.endswith("batch") else mail) if method == "POST" else None
    reply = api.manage(method, f"{path}?x=1", body, "acme/app")
    assert reply.status == 422, reply
    assert [(one["pointer"], one["code"]) for one in reply.json["errors"]] == [
        ("/x", "extra_forbidden")
    ]
    assert api.v2("GET", "/emails").json["data"] == []
