"""Streams: added, switched with Undo, removed; and who may."""

from __future__ import annotations

from tests.page_browser import Browser
from tests.web.offered import offered

STREAMS = "/org/acme/servers/app/streams"


async def test_a_stream_is_added_switched_and_removed(owner: Browser) -> None:
    shown = await owner.get(STREAMS)
    assert "transactional" in shown.text
    added = await owner.submit(shown, "Add stream", name="news", type="broadcast")
    assert "Mail may name the stream news" in added.text
    token = {"csrf": shown.form("Add stream").fields["csrf"]}
    switched = await owner.post(f"{STREAMS}/news", {**token, "unsubscribe": "no"})
    assert "Mail of news has no fields to unsubscribe" in switched.text
    undone = await owner.submit(switched, "Undo")
    assert "can be unsubscribed from by one click" in undone.text
    gone = await owner.post(f"{STREAMS}/news/remove", token)
    assert "The stream news is removed" in gone.text
    stays = await owner.post(f"{STREAMS}/broadcast/remove", token)
    assert 'class="flash bad"' in stays.html


async def test_what_is_wrong_with_a_stream_stands_beside_its_field(owner: Browser) -> None:
    shown = await owner.get(STREAMS)
    for name in ("", "No Such", "<script>alert(1)</script>", "x" * 10_000):
        wrong = await owner.submit(shown, "Add stream", name=name)
        assert wrong.status == 422
        assert 'id="e-name"' in wrong.html
        assert "<script>alert" not in wrong.html


async def test_operators_set_rates_of_a_stream(owner: Browser, admin: Browser) -> None:
    assert not (await owner.get(STREAMS)).has_button("Save the limits")
    assert not (await admin.get(STREAMS)).has_button("Save the limits")
    form = await admin.get(f"{STREAMS}?stream=broadcast")
    saved = await admin.submit(form, "Save the limits", complaint_rate_limit="0.2")
    assert "Saved for the stream broadcast" in saved.text
    assert "0.2 % complaints" in (await owner.get(STREAMS)).text
    (address,) = [one for one in (await admin.get(STREAMS)).addresses if "stream=broadcast" in one]
    again = (await admin.get(address)).form("Save the limits").fields
    assert (again["stream"], again["complaint_rate_limit"]) == (["broadcast"], ["0.2"])
    for field in ("complaint_rate_limit", "bounce_rate_limit", "rate_limit_count"):
        for wrong in ("0", "-1", "<script>alert(1)</script>", "9" * 10_000):
            shown = await admin.submit(form, "Save the limits", **{field: wrong})
            assert shown.status == 422
            assert f'id="e-{field}"' in shown.html
            assert "<script>alert" not in shown.html
    again = (await admin.get(address)).form("Save the limits").fields
    assert again["complaint_rate_limit"] == ["0.2"]
    token = {"csrf": form.form("Save the limits").fields["csrf"]}
    forced = await owner.post(
        "/org/acme/servers/app/stream-rates", {**token, "stream": "broadcast"}
    )
    assert forced.status == 403
    missing = await admin.post(
        "/org/acme/servers/app/stream-rates", {**token, "stream": "../nosuch"}
    )
    assert missing.status in (404, 422)


async def test_a_stream_with_limits_is_an_operators_to_remove(
    owner: Browser, admin: Browser
) -> None:
    await owner.submit(await owner.get(STREAMS), "Add stream", name="news", type="broadcast")
    remove = "Remove the stream news"
    assert remove in (await owner.get(STREAMS)).html
    form = await admin.get(f"{STREAMS}?stream=news")
    await admin.submit(form, "Save the limits", rate_limit_count="9")
    shown = await owner.get(STREAMS)
    assert remove not in shown.html
    assert remove in (await admin.get(STREAMS)).html
    token = {"csrf": next(one.fields["csrf"][0] for one in shown.forms if "csrf" in one.fields)}
    await owner.post(f"{STREAMS}/news/remove", token)
    assert remove in (await admin.get(STREAMS)).html


async def test_a_viewer_sees_streams_and_changes_none(viewer: Browser, stranger: Browser) -> None:
    shown = await viewer.get(STREAMS)
    assert shown.status == 200
    assert offered(shown) == set()
    token = {"csrf": next(one.fields["csrf"][0] for one in shown.forms if "csrf" in one.fields)}
    for path in ("", "/broadcast", "/broadcast/remove"):
        assert (await viewer.post(STREAMS + path, token)).status == 403
    assert (await stranger.get(STREAMS)).status == 404
