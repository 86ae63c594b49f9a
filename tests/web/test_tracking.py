"""Track domains: adding one, what is tracked, its record, and who may change it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from chalicelib.adapters.scripted.resolver import ScriptedResolver
from chalicelib.domain.http_exchange import HttpAnswer, HttpRequest
from chalicelib.ports.http_client import HttpClient
from tests.page_browser import Browser
from tests.worlds import Scene

if TYPE_CHECKING:
    import pytest

TRACKING = "/org/acme/servers/app/tracking"
NAME = f"{TRACKING}/track.acme.test"


async def test_without_a_track_domain_the_page_says_what_one_is_for(owner: Browser) -> None:
    shown = await owner.get(TRACKING)
    assert "Nothing is tracked yet" in shown.text
    assert shown.has_button("Add track domain")


async def test_a_track_domain_is_added_switched_and_removed(owner: Browser) -> None:
    shown = await owner.submit(await owner.get(TRACKING), "Add track domain")
    assert shown.path == NAME
    assert "links and opens on your own name" in shown.text
    saved = await owner.submit(
        shown, "Save", track_loads=None, excluded_click_domains="docs.acme.test\n\nwww.acme.test"
    )
    assert saved.form("Save").fields["excluded_click_domains"] == ["docs.acme.test\nwww.acme.test"]
    assert "track_loads" not in saved.form("Save").fields
    listed = await owner.get(TRACKING)
    assert "clicks" in listed.text
    assert listed.links["track.acme.test"] == NAME
    assert "Checked just now" in (await owner.submit(saved, "Check now")).text
    asked = await owner.get(f"{NAME}/remove")
    gone = await owner.submit(asked, "Remove this track domain")
    assert "track.acme.test is removed" in gone.text
    assert (await owner.get(NAME)).status == 404


async def test_the_certificate_and_a_test_link_are_shown(
    scene: Scene, owner: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = await owner.submit(await owner.get(TRACKING), "Add track domain")
    assert "Nobody has looked yet" in shown.text
    assert "https://track.acme.test/" in shown.text

    async def send(self: HttpClient, request: HttpRequest) -> HttpAnswer:
        return HttpAnswer(-3, error="<b>expired")

    program = scene.posthorn
    monkeypatch.setattr(type(program[HttpClient]), "send", send)
    wanted = program.settings.track_domain
    program[ScriptedResolver].zone["track.acme.test"] = {"CNAME": [wanted]}
    shown = await owner.submit(shown, "Check now")
    assert "Links with https do not work" in shown.text
    assert "<b>expired" in shown.text
    assert "<b>expired" not in shown.html
    assert "does not work" in (await owner.get(TRACKING)).text
    plain = await owner.submit(shown, "Save", ssl_enabled=None)
    assert "need no certificate" in plain.text
    assert "http://track.acme.test/" in plain.text


async def test_what_is_wrong_stands_beside_its_field(owner: Browser) -> None:
    page = await owner.get(TRACKING)
    for label in ("not a label", "<script>", "x" * 10_000):
        shown = await owner.submit(page, "Add track domain", label=label)
        assert shown.status == 422
        assert 'id="e-label"' in shown.html
    again = await owner.submit(page, "Add track domain", domain="unknown.example")
    assert again.status == 422
    one = await owner.submit(page, "Add track domain")
    wrong = await owner.submit(one, "Save", excluded_click_domains="a b c")
    assert wrong.status == 422
    assert "a b c" in wrong.html


async def test_a_viewer_sees_what_is_tracked_and_cannot_change_it(
    owner: Browser, viewer: Browser
) -> None:
    await owner.submit(await owner.get(TRACKING), "Add track domain")
    assert not (await viewer.get(TRACKING)).has_button("Add track domain")
    shown = await viewer.get(NAME)
    assert "Clicks are tracked." in shown.text
    assert not shown.has_button("Save")
    assert (await viewer.get(f"{NAME}/remove")).status == 403


async def test_domains_that_cannot_be_had_leave_the_list_of_names(
    owner: Browser, broken: Callable[..., None]
) -> None:
    broken("/domains")
    shown = await owner.get(TRACKING)
    assert shown.status == 200
    assert "Your domains could not be loaded" in shown.text
