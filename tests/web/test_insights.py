"""Insights: rates by tag, domain and receiver, one alone, causes, periods, and what they say without mail."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chalicelib.adapters.sqlite.feed import SOURCE, EventFeed
from chalicelib.services.events.fold_groups import FoldGroups
from chalicelib.services.events.outbox import Outbox
from chalicelib.web.pages.insights import COLUMNS, _rows
from tests.page_browser import Browser
from tests.web.offered import offered
from tests.web.test_message import UNKNOWN
from tests.worlds import Scene

INSIGHTS = "/org/acme/servers/app/insights"
TABS = ("tags", "domains", "receivers")


async def mail(scene: Scene) -> None:
    """Three messages delivered, one refused, and all of it counted."""
    scene.egress.will("old@example.org", UNKNOWN)
    await scene.accept("a@example.com", "b@example.com", "c@example.com")
    await scene.accept("old@example.org")
    await scene.deliver_ready()
    feed = scene.posthorn[EventFeed]
    while True:
        changes, position = feed.read()
        if position == feed.position():
            break
        await scene.posthorn[Outbox].run(SOURCE, changes)
        await feed.move(position)
    await scene.posthorn[FoldGroups].run()


async def test_without_mail_a_sample_says_what_will_be_here(owner: Browser) -> None:
    shown = await owner.get(INSIGHTS)
    assert "Needs a day of mail" in shown.text
    assert "a sample, not your mail" in shown.text
    for tab in TABS:
        assert "Needs a day of mail" in (await owner.get(f"{INSIGHTS}/{tab}")).text
    assert "Nothing failed" in (await owner.get(f"{INSIGHTS}/causes")).text


@pytest.mark.parametrize("period", ["day", "week", "month", "year", "nonsense"])
async def test_all_mail_of_each_period(scene: Scene, owner: Browser, period: str) -> None:
    await mail(scene)
    shown = await owner.get(f"{INSIGHTS}?period={period}")
    assert shown.status == 200
    assert "Accepted 4" in shown.text or "Accepted4" in shown.text
    assert "<svg" in shown.html
    assert shown.nodes < 1_500
    assert len(shown.html) < 300_000


async def test_groups_stand_beside_each_other(scene: Scene, owner: Browser) -> None:
    await mail(scene)
    shown = await owner.get(f"{INSIGHTS}/domains")
    assert "example.com" in shown.text
    assert "example.org" in shown.text
    assert "few messages" in shown.text
    one = await owner.get(shown.links["example.com"].replace("&amp;", "&"))
    assert "example.com" in one.title
    assert one.links["Its messages"].endswith("q=domain%3Aexample.com")
    assert "Needs a day" not in one.text
    tags = await owner.get(f"{INSIGHTS}/tags")
    assert "no tag" in tags.text
    nameless = await owner.get(tags.links["no tag"])
    assert "no tag" in nameless.title


async def test_a_table_is_a_file_too(scene: Scene, owner: Browser) -> None:
    await mail(scene)
    shown = await owner.get(f"{INSIGHTS}/domains?download=1")
    assert shown.answer.headers["Content-Disposition"] == 'attachment; filename="domains.csv"'
    lines = shown.html.splitlines()
    assert lines[0].startswith("domain,accepted,delivered")
    assert lines[1].startswith("example.com,3,1.0")


async def test_what_did_not_send_has_nothing_to_show(owner: Browser) -> None:
    for tab in TABS:
        shown = await owner.get(f"{INSIGHTS}/{tab}?only=nothing")
        assert "No mail of it was sent in this time" in shown.text
    hostile = await owner.get(
        f"{INSIGHTS}/tags?only=%22%3E%3Cscript%3Ealert(1)%3C/script%3E%E2%80%AE"
    )
    assert hostile.status == 200
    assert "<script>alert" not in hostile.html
    long = await owner.get(f"{INSIGHTS}/tags?only={'x' * 2_000}")
    assert long.status == 200


async def test_all_mail_is_narrowed_to_one_domain_tag_or_receiver(
    scene: Scene, owner: Browser
) -> None:
    await mail(scene)
    shown = await owner.get(f"{INSIGHTS}?by=domain&name=example.com&period=day")
    assert "Accepted3" in shown.text
    assert shown.links["Its messages"].endswith("q=domain%3Aexample.com")
    assert f"{INSIGHTS}?period=day" in shown.addresses
    week = await owner.get(shown.links["7 days"])
    assert "Accepted3" in week.text
    assert "Accepted4" in (await owner.get(f"{INSIGHTS}?by=tag&name=%5Bblank%5D")).text


async def test_a_filter_that_finds_nothing_can_be_removed(scene: Scene, owner: Browser) -> None:
    await mail(scene)
    evil = "%22%3E%3Cscript%3Ealert(1)%3C/script%3E%E2%80%AE%00"
    for address in (f"?by=tag&name={evil}", f"/domains?q={evil}", f"/causes?q={evil}"):
        shown = await owner.get(INSIGHTS + address)
        assert "Nothing found" in shown.text, address
        assert "<script>alert" not in shown.html
        assert (await owner.get(shown.links["Remove the filter"])).status == 200
    for name in ("x" * 10_000, "%5Bblank", "a%3Ab"):
        for path in ("?by=stream&name=", "?by=nonsense&name=", "/tags?q=", "/causes?q="):
            assert (await owner.get(f"{INSIGHTS}{path}{name}")).status == 200, path


async def test_groups_and_causes_are_filtered_by_name(scene: Scene, owner: Browser) -> None:
    await mail(scene)
    shown = await owner.get(f"{INSIGHTS}/domains?q=EXAMPLE.O")
    assert ("example.org" in shown.links, "example.com" in shown.links) == (True, False)
    saved = await owner.get(f"{INSIGHTS}/domains?q=example.o&download=1")
    assert len(saved.html.splitlines()) == 2
    assert "The mailbox does not exist" in (await owner.get(f"{INSIGHTS}/causes?q=mailbox")).text


@pytest.mark.parametrize(
    ("receiver", "limit", "is_over"),
    [("google", 0.001, True), ("yahoo", 0.003, False), (None, 0.001, True)],
)
def test_rates_stand_beside_what_receivers_ask_for(
    receiver: str | None, limit: float, is_over: bool
) -> None:
    counts = {"outgoing": 2_000, "soft_fails": 0}
    rates = {name: 0.0 for name in COLUMNS if name != "delayed"} | {"complained": 0.002}
    (row,) = _rows([{"group": receiver, "counts": counts, "rates": rates, "latency": None}], ())
    drawn, told, over = row["limits"]["complained"]
    assert (told, over) == (limit, is_over)
    assert 'class="limit"' in drawn


async def test_a_cause_says_who_and_what_and_what_helps(scene: Scene, owner: Browser) -> None:
    await mail(scene)
    shown = await owner.get(f"{INSIGHTS}/causes")
    where = shown.links["Failed: The mailbox does not exist"]
    cause = await owner.get(where.replace("&amp;", "&"))
    for words in (
        "The mailbox does not exist",
        "What was said",
        "By receiver",
        "Correct the address",
    ):
        assert words in cause.text
    assert "old@example.org" in cause.text
    other = await owner.get(f"{INSIGHTS}/causes/moon_phase")
    assert "It did not come up in this time" in other.text
    hostile = await owner.get(f"{INSIGHTS}/causes/%22%3E%3Cscript%3E%E2%80%AE")
    assert hostile.status == 200
    assert "<script>" not in hostile.html.partition("<main")[2]


async def test_who_may_look_may_look_and_others_not(viewer: Browser, stranger: Browser) -> None:
    for tab in ("", *(f"/{one}" for one in TABS), "/causes", "/causes/spam"):
        shown = await viewer.get(INSIGHTS + tab)
        assert shown.status == 200
        assert offered(shown) <= {"Filter"}
        assert (await stranger.get(INSIGHTS + tab)).status == 404


async def test_figures_that_cannot_be_had_say_so(
    owner: Browser, broken: Callable[..., None]
) -> None:
    broken("/statistics", "/emails")
    for tab in ("", *(f"/{one}" for one in TABS), "/tags?only=x", "/causes", "/causes/spam"):
        shown = await owner.get(INSIGHTS + tab)
        assert shown.status == 200, tab
        assert "ould not be loaded" in shown.text, tab


def test_many_groups_are_a_bounded_table() -> None:
    counts = {"outgoing": 200, "soft_fails": 500}
    rates = {name: 0.5 for name in COLUMNS if name != "delayed"}
    groups = [
        {"group": f"t{at}", "counts": counts, "rates": rates, "latency": None} for at in range(50)
    ]
    rows = _rows([*groups, {**groups[0], "counts": {"outgoing": 0, "soft_fails": 0}}], groups[:1])
    assert len(rows) == 50
    assert rows[0]["change"] == 0
    assert rows[1]["change"] is None
    assert rows[0]["delayed"] == 1.0
