"""Those who answer for something are told of each thing once an hour, and rather twice than never."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalicelib.config import Settings
from chalicelib.domain.errors import TemporaryFailure
from chalicelib.ports.rate_counters import RateCounters
from chalicelib.services.notify_members import NotifyMembers
from chalicelib.services.tenancy.organizations import Organizations
from tests.stores import all_messages
from tests.worlds import Scene, make_scene

if TYPE_CHECKING:
    import pytest

SETTINGS = Settings(
    system_server="acme/app", system_from="posthorn@acme.test", postmaster="ada@example.com"
)


def told(scene: Scene) -> list[str]:
    return [one.subject for one in all_messages(scene.posthorn)]


async def test_once_an_hour_for_each_thing_and_organization() -> None:
    scene = await make_scene(SETTINGS)
    tell, other = (
        scene.posthorn[NotifyMembers].tell,
        await scene.posthorn[Organizations].create("B"),
    )
    for organization, name in ((scene.organization, "a"), (other, "b"), (None, "operators")):
        for thing in ("webhook x", "limit y"):
            for turn in (1, 2):
                await tell(organization, thing, f"{name} {thing} {turn}", "Text")
    assert sorted(told(scene)) == [
        f"{name} {thing} 1"
        for name in ("a", "b", "operators")
        for thing in ("limit y", "webhook x")
    ]


async def test_after_the_hour_once_more() -> None:
    scene = await make_scene(SETTINGS)
    tell = scene.posthorn[NotifyMembers].tell
    await tell(None, "webhook x", "first", "Text")
    scene.clock.advance(3_599)
    await tell(None, "webhook x", "too soon", "Text")
    scene.clock.advance(2)
    await tell(None, "webhook x", "second", "Text")
    assert told(scene) == ["first", "second"]


async def test_a_counter_that_is_away_keeps_nobody_from_being_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene = await make_scene(SETTINGS)

    async def away(*_: Any) -> None:
        raise TemporaryFailure("away")

    monkeypatch.setattr(scene.posthorn[RateCounters], "take", away)
    for turn in ("first", "second"):
        await scene.posthorn[NotifyMembers].tell(None, "webhook x", turn, "Text")
    assert told(scene) == ["first", "second"]
