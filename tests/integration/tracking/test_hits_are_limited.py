"""A tracked address that is asked for again and again: readers are answered, and the store does not fill."""

from __future__ import annotations

from collections import Counter

import pytest

from chalicelib.domain.engagement import EngagementEvent, EngagementKind
from chalicelib.ports.engagement import Engagement
from chalicelib.services.tracking import engagement_limit
from chalicelib.services.tracking.answer import Track
from chalicelib.services.tracking.engagement_limit import EngagementLimit
from tests.tracking_scene import BROWSER, LINKS, READER, TrackedMail, make_tracked_mail
from tests.worlds import Scene

MOST, WHOLE, UNASKED = 6, 15, 3


@pytest.fixture(autouse=True)
def small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engagement_limit, "MOST_OF_A_LINK", MOST)
    monkeypatch.setattr(engagement_limit, "MOST_OF_A_MESSAGE", WHOLE)
    monkeypatch.setattr(engagement_limit, "UNASKED", UNASKED)
    monkeypatch.setattr(engagement_limit, "NEAR", 1)


async def stored(scene: Scene, mail: TrackedMail) -> Counter[str]:
    """How many hits are kept, by link; the image's have no link."""
    hits = await scene.posthorn[Engagement].hits(scene.server.id, mail.message)
    return Counter(hit.url for hit in hits)


async def test_opens_beyond_the_limit_get_the_image_and_are_not_kept() -> None:
    scene, mail = await make_tracked_mail()
    answers = [await mail.visit(mail.image) for _ in range(4 * MOST)]
    assert {answer.status for answer in answers} == {200}
    assert [answer.notes["kept"] for answer in answers] == [True] * MOST + [False] * (3 * MOST)
    assert await stored(scene, mail) == {"": MOST}


async def test_one_link_that_is_followed_without_end_leaves_room_for_the_others() -> None:
    scene, mail = await make_tracked_mail()
    first = [await mail.visit(mail.link(1)) for _ in range(4 * MOST)]
    assert {answer.headers["Location"] for answer in first} == {LINKS[0]}
    assert (await mail.visit(mail.link(2))).notes["kept"] is True
    assert (await mail.visit(mail.image)).notes["kept"] is True
    assert await stored(scene, mail) == {LINKS[0]: MOST, LINKS[1]: 1, "": 1}


async def test_a_message_has_a_limit_in_all() -> None:
    links = tuple(f"https://acme.test/{number}" for number in range(5))
    scene, mail = await make_tracked_mail(links=links)
    for _ in range(2 * MOST):
        for number in range(1, 6):
            assert (await mail.visit(mail.link(number))).status == 307
    assert (await stored(scene, mail)).total() == WHOLE


async def test_another_process_knows_what_is_there() -> None:
    scene, mail = await make_tracked_mail()
    for _ in range(MOST):
        await mail.visit(mail.image)
    another = EngagementLimit(scene.posthorn[Engagement])
    hit = EngagementEvent(EngagementKind.OPEN, scene.clock.now(), READER, BROWSER)
    rooms = [await another.has_room(scene.server.id, mail.message, hit) for _ in range(10)]
    assert rooms == [True] * UNASKED + [False] * (10 - UNASKED)


async def test_a_hundred_opens_and_a_hundred_clicks_of_a_link_are_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.undo()
    scene, mail = await make_tracked_mail()
    for _ in range(130):
        assert (await mail.visit(mail.image)).status == 200
        assert (await mail.visit(mail.link(1))).status == 307
    assert await stored(scene, mail) == {"": 100, LINKS[0]: 100}


async def test_several_processes_share_the_limit() -> None:
    scene, mail = await make_tracked_mail()
    store = scene.posthorn[Engagement]
    processes = [EngagementLimit(store) for _ in range(3)]
    for at in range(4 * MOST):
        hit = EngagementEvent(EngagementKind.OPEN, scene.clock.now() + at, READER, BROWSER)
        if await processes[at % 3].has_room(scene.server.id, mail.message, hit):
            await store.record(scene.server.id, mail.message, hit, int(hit.at) + 60)
    # Each has let as many pass unasked.
    assert (await stored(scene, mail))[""] == max(MOST, 3 * UNASKED)


async def test_an_ordinary_message_costs_no_look(monkeypatch: pytest.MonkeyPatch) -> None:
    scene, mail = await make_tracked_mail()

    async def asked(*_: object) -> tuple[EngagementEvent, ...]:
        raise AssertionError("asked")

    monkeypatch.setattr(scene.posthorn[Engagement], "hits", asked)
    for _ in range(UNASKED):
        assert (await mail.visit(mail.image)).notes["kept"] is True


async def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engagement_limit, "MOST_REMEMBERED", 2)
    scene, _ = await make_tracked_mail()
    for _ in range(5):
        _, mail = await make_tracked_mail(scene)
        await mail.visit(mail.image)
        assert len(scene.posthorn[Track]._limit._seen) <= 2
