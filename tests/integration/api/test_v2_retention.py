"""How long a server keeps what it has: set by operators, shown beforehand, done at night and told afterwards."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib import bootstrap
from chalicelib.domain.durations import DAY, HOUR
from chalicelib.services.retention.retain import Retain
from tests.http_api import ApiWorld
from tests.integration.api.test_v2_management import a_key, places, refused
from tests.worlds import CONTENT

FIELDS = ("message_retention_days", "raw_message_retention_days", "raw_message_retention_size")


def path(api: ApiWorld) -> str:
    return f"/servers/{api.scene.server.full_name}"


def night(api: ApiWorld) -> int:
    return bootstrap.run(api.scene.posthorn[Retain].run())


def sent(api: ApiWorld) -> int:
    """A message that was delivered."""
    (message,) = bootstrap.run(api.scene.accept("john@example.com"))
    bootstrap.run(api.scene.deliver_ready())
    return int(message.id)


def test_the_fields_have_words_for_no_end(api: ApiWorld) -> None:
    shown = api.manage("GET", path(api)).json
    assert [shown[one] for one in FIELDS] == [60, 30, 2048]
    wanted = dict(zip(FIELDS, ("forever", "forever", "unlimited"), strict=True))
    reply = api.manage("PATCH", path(api), wanted)
    assert reply.status == 200, reply.body
    assert {one: reply.json[one] for one in FIELDS} == wanted
    again = api.manage("PATCH", path(api), dict(zip(FIELDS, (1, 0, 1), strict=True)))
    assert [again.json[one] for one in FIELDS] == [1, 0, 1]
    usual = api.manage("PATCH", path(api), dict.fromkeys(FIELDS))
    assert [usual.json[one] for one in FIELDS] == [60, 30, 2048]
    made = api.manage("POST", "/servers", {"organization": "acme", "name": "Kept", **wanted})
    assert {one: made.json[one] for one in FIELDS} == wanted


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("message_retention_days", 0),
        ("message_retention_days", 3_651),
        ("raw_message_retention_days", -1),
        ("raw_message_retention_days", "unlimited"),
        ("raw_message_retention_size", 0),
        ("raw_message_retention_size", "forever"),
    ],
)
def test_other_values_are_refused(api: ApiWorld, field: str, value: Any) -> None:
    reply = api.manage("PATCH", path(api), {field: value})
    assert reply.status == 422
    assert [place for place, _ in places(reply)] == [f"/{field}"]
    preview = api.manage("GET", f"{path(api)}/retention?{field}={value}")
    assert preview.status == 422


def test_only_operators_set_them(api: ApiWorld) -> None:
    key = a_key(api, "servers:write")
    for field in FIELDS:
        reply = api.v2("PATCH", path(api), {field: 5}, key)
        assert refused(reply)[0] == 403


def test_what_would_go_is_shown_and_then_goes(api: ApiWorld) -> None:
    number = sent(api)
    stored = api.v2("GET", "/overview").json["stored_bytes"]
    assert stored == len(CONTENT)
    at = f"{path(api)}/retention"
    assert api.manage("GET", at).json == {
        "messages": 0,
        "contents": 0,
        "bytes": 0,
        "spared": {"held": 0, "waiting": 0, "scheduled": 0},
    }
    api.scene.clock.advance(31 * DAY)
    seen = api.manage("GET", at).json
    assert (seen["messages"], seen["contents"], seen["bytes"]) == (0, 1, stored)
    other = api.manage("GET", f"{at}?message_retention_days=10").json
    assert other["messages"] == 1
    never = api.manage("GET", f"{at}?raw_message_retention_days=forever").json
    assert never["contents"] == 0

    assert night(api) >= 1
    assert night(api) == 0  # once a night
    assert api.v2("GET", "/overview").json["stored_bytes"] == 0
    raw = api.v2("GET", f"/emails/{number}/raw")
    assert refused(raw)[0] == 404
    assert b"no longer kept" in raw.body
    assert refused(api.v2("POST", f"/emails/{number}/resend"))[0] == 409
    assert api.v2("GET", f"/emails/{number}").status == 200

    api.scene.clock.advance(30 * DAY)
    assert night(api) >= 1
    assert api.v2("GET", f"/emails/{number}").status == 404


def test_a_night_begins_at_three(api: ApiWorld) -> None:
    night(api)
    clock = api.scene.clock
    clock.advance(DAY - clock.now() % DAY + 2 * HOUR + 3_599)
    night(api)
    assert night(api) == 0
    clock.advance(1)
    assert night(api) >= 1
    assert night(api) == 0
    clock.advance(23 * HOUR)
    assert night(api) == 0
