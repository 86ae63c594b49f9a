"""Opens and clicks in the answers of both APIs."""

from __future__ import annotations

import pytest

from chalicelib import bootstrap
from chalicelib.ports.engagement import Engagement
from tests.http_api import ApiWorld
from tests.tracking_scene import BROWSER, LINKS, READER, TrackedMail, make_tracked_mail


@pytest.fixture
def mail(api: ApiWorld) -> TrackedMail:
    return bootstrap.run(make_tracked_mail(api.scene))[1]


def test_a_message_that_nobody_opened(api: ApiWorld, mail: TrackedMail) -> None:
    asked = {"id": mail.message, "_expansions": ["activity_entries"]}
    data = api.v1("messages/message", asked)["data"]
    assert data["activity_entries"] == {"loads": [], "clicks": []}
    shown = api.v2("GET", f"/emails/{mail.message}").json
    assert (shown["opened_at"], shown["clicked_at"]) == (None, None)
    assert (shown["opens"], shown["clicks"]) == ([], [])


def test_a_message_that_was_opened_and_clicked(api: ApiWorld, mail: TrackedMail) -> None:
    bootstrap.run(mail.visit(mail.image))
    api.scene.clock.advance(60)
    bootstrap.run(mail.visit(mail.link(1), "HEAD"))
    record = bootstrap.run(mail.record())
    asked = {"id": mail.message, "_expansions": True}
    entries = api.v1("messages/message", asked)["data"]["activity_entries"]
    (load,), (click,) = entries["loads"], entries["clicks"]
    assert list(load) == ["ip_address", "user_agent", "timestamp"]
    assert list(click) == ["url", "ip_address", "user_agent", "timestamp"]
    assert (load["ip_address"], load["user_agent"]) == (READER, BROWSER)
    assert click["url"] == LINKS[0]
    shown = api.v2("GET", f"/emails/{mail.message}").json
    assert (shown["opened_at"], shown["clicked_at"]) == (load["timestamp"], click["timestamp"])
    assert shown["opens"] == [
        {"at": load["timestamp"], "address": READER, "user_agent": BROWSER, "automatic": False}
    ]
    assert shown["clicks"][0] | {"at": ""} == {
        "at": "",
        "address": READER,
        "user_agent": BROWSER,
        "automatic": True,
        "url": LINKS[0],
    }
    assert record.opened_at is not None
    (listed,) = api.v2("GET", "/emails").json["data"]
    assert listed["opened_at"] == shown["opened_at"]
    assert "opens" not in listed


def test_who_opened_is_not_read_for_those_who_do_not_ask(
    api: ApiWorld, mail: TrackedMail, monkeypatch: pytest.MonkeyPatch
) -> None:
    bootstrap.run(mail.visit(mail.image))

    async def refuse(*_: object) -> None:
        raise AssertionError("read")

    monkeypatch.setattr(api.scene.posthorn[Engagement], "hits", refuse)
    assert api.v1("messages/message", {"id": mail.message})["status"] == "success"
    assert api.v2("GET", "/emails").status == 200
