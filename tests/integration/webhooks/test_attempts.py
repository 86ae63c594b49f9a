"""Events are posted until they are taken: when a failed attempt comes again, what ends a webhook, what is kept."""

from __future__ import annotations

from email.utils import formatdate

import pytest

from chalicelib.domain.durations import DAY
from chalicelib.domain.groups import Dimension
from chalicelib.domain.http_exchange import HttpAnswer, NoAnswer, Timings
from chalicelib.domain.periods import Period
from chalicelib.domain.webhooks.delivery import Header
from chalicelib.domain.webhooks.schedule import WAITS
from chalicelib.ports.group_counts import GroupCounts, Span
from chalicelib.ports.webhook_lanes import WebhookLanes
from chalicelib.services.webhooks.replays import Replays
from chalicelib.services.webhooks.webhooks import Webhooks
from tests.webhook_stage import Stage, failing, statuses

HOUR = 3_600


async def test_what_is_taken_is_done_with(stage: Stage) -> None:
    webhook = await stage.webhook()
    assert await stage.happens(1, 2, 3) == 3
    assert await stage.turn(webhook) == 3
    assert statuses(await stage.listed()) == ["delivered"] * 3
    assert [one.next_attempt_at for one in await stage.listed()] == [None] * 3
    assert await stage.later(webhook, 10 * DAY) == 0
    assert sorted(stage.receiver.ids) == sorted(one.event_id for one in await stage.listed())


@pytest.mark.parametrize("retries", ["long", "postal"])
async def test_what_fails_comes_again_by_its_schedule(stage: Stage, retries: str) -> None:
    webhook = await stage.webhook(retries=retries)
    stage.receiver.answer = failing(500)
    await stage.happens(1)
    assert await stage.turn(webhook) == 1
    waits = WAITS[webhook.retries]
    assert sum(waits) == {"long": 272_105, "postal": 2_160}[retries]
    for wait in waits:
        waiting = (await stage.listed())[0]
        assert waiting.next_attempt_at == pytest.approx(stage.scene.clock.now() + wait)
        assert await stage.later(webhook, wait - 1) == 0
        # Something else is taken meanwhile, so that the webhook is not given up.
        stage.receiver.answer = HttpAnswer(204)
        await stage.happens(1_000 + int(wait))
        await stage.turn(webhook)
        stage.receiver.answer = failing(302)
        assert await stage.later(webhook, 1) == 1
    (first, *_) = await stage.listed()
    assert (first.status, first.next_attempt_at) == ("failed", None)
    assert [one.code for one in first.attempts] == [500] + [302] * len(waits)
    assert len({one for one in stage.receiver.ids if one == first.event_id}) == 1


@pytest.mark.parametrize("code", [429, 503])
@pytest.mark.parametrize(
    ("asked", "seconds"),
    [("90", 90), ("2", 5), ("999999999", DAY), ("soon", 5), ("-9", 5), ("date", 600), ("past", 5)],
)
async def test_who_asks_for_time_gets_it(code: int, asked: str, seconds: int) -> None:
    from tests.webhook_stage import make_stage

    stage = await make_stage()
    webhook = await stage.webhook()
    now = stage.scene.clock.now()
    field = {"date": formatdate(now + 600, usegmt=True), "past": formatdate(now - 9, usegmt=True)}
    stage.receiver.answer = failing(code, headers=(("retry-after", field.get(asked, asked)),))
    await stage.happens(1)
    await stage.turn(webhook)
    (waiting,) = await stage.listed()
    assert waiting.next_attempt_at == pytest.approx(now + seconds)


async def test_time_is_not_given_to_other_answers(stage: Stage) -> None:
    webhook = await stage.webhook()
    stage.receiver.answer = failing(500, headers=(("retry-after", "900"),))
    await stage.happens(1)
    await stage.turn(webhook)
    (waiting,) = await stage.listed()
    assert waiting.next_attempt_at == pytest.approx(stage.scene.clock.now() + 5)


async def test_410_ends_it_at_once(stage: Stage) -> None:
    webhook = await stage.webhook()
    await stage.happens(*range(20))
    stage.receiver.answer = failing(410)
    requests = await stage.turn(webhook)
    assert 1 <= requests <= 20
    assert statuses(await stage.listed()) == ["failed"] * 20
    after = await stage.now(webhook)
    assert (after.enabled, "410" in (after.disabled_reason or "")) == (False, True)
    stage.scene.clock.advance(60)
    assert await stage.happens(99) == 0
    enabled = await stage.program[Webhooks].enable(after)
    assert (enabled.enabled, enabled.disabled_reason) == (True, None)


async def test_it_is_given_up_when_an_attempt_fails_after_three_days_of_failures(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    webhook = await stage.webhook()
    stage.receiver.answer = failing(500)
    await stage.happens(1)
    await stage.turn(webhook)
    stage.scene.clock.advance(3 * DAY - 60)
    await stage.happens(2)
    await stage.turn(webhook)
    assert (await stage.now(webhook)).enabled
    assert not [one for one in caplog.records if "disabled" in one.getMessage()]
    await stage.later(webhook, 60)
    after = await stage.now(webhook)
    assert (after.enabled, after.disabled_reason) == (False, "No attempt has succeeded for 3 days")
    assert statuses(await stage.listed()) == ["failed", "failed"]


async def test_a_success_begins_the_three_days_anew(stage: Stage) -> None:
    webhook = await stage.webhook()
    stage.receiver.answer = failing(500)
    await stage.happens(1)
    await stage.turn(webhook)
    stage.scene.clock.advance(3 * DAY - 60)
    stage.receiver.answer = HttpAnswer(200)
    await stage.happens(2)
    await stage.turn(webhook)
    stage.receiver.answer = failing(500)
    await stage.happens(3)
    await stage.later(webhook, 600)
    assert (await stage.now(webhook)).enabled
    lane = await stage.program[WebhookLanes].get(webhook.server_id, webhook.id)
    assert lane.failing_since == pytest.approx(stage.scene.clock.now(), abs=1)


async def test_enabling_begins_them_anew(stage: Stage) -> None:
    webhook = await stage.webhook()
    stage.receiver.answer = failing(500)
    await stage.happens(1)
    await stage.turn(webhook)
    stage.scene.clock.advance(2 * DAY)
    await stage.program[Webhooks].enable(webhook)
    await stage.happens(2)
    await stage.turn(webhook)
    stage.scene.clock.advance(2 * DAY)
    await stage.happens(3)
    await stage.turn(webhook)
    assert (await stage.now(webhook)).enabled


async def test_disabled_by_hand_what_waits_fails(stage: Stage) -> None:
    webhook = await stage.webhook()
    stage.receiver.answer = failing(500)
    await stage.happens(1, 2)
    await stage.turn(webhook)
    off = await stage.program[Webhooks].change(webhook, {"enabled": False})
    assert await stage.turn(off) == 0
    assert statuses(await stage.listed()) == ["failed", "failed"]
    assert len(stage.receiver.heard) == 2


async def test_deleted_what_waits_fails_and_stays_listed(stage: Stage) -> None:
    webhook = await stage.webhook()
    stage.receiver.answer = failing(500)
    await stage.happens(1)
    await stage.turn(webhook)
    await stage.program[Webhooks].remove(webhook)
    assert await stage.turn(webhook) == 0
    assert statuses(await stage.listed()) == ["failed"]


async def test_a_changed_url_is_for_new_events(stage: Stage) -> None:
    webhook = await stage.webhook("https://joe:secret@app.example/old")
    stage.receiver.answer = failing(500)
    await stage.happens(1)
    await stage.turn(webhook)
    await stage.program[Webhooks].change(webhook, {"url": "https://b.example/new"})
    stage.scene.clock.advance(60)
    await stage.happens(2)
    await stage.turn(webhook)
    assert [one.url.bare for one in stage.receiver.heard] == [
        "https://app.example/old",
        "https://app.example/old",
        "https://b.example/new",
    ]
    # What was given for the old place is known no more.
    assert [one.url.user_info for one in stage.receiver.heard] == ["joe:secret", "", ""]


async def test_all_of_an_attempt_is_kept(stage: Stage) -> None:
    webhook = await stage.webhook()
    timings = Timings(0.001, 0.002, None, 0.07)
    headers = (("content-type", "text/plain"), *((f"x-{n}", "v" * 2_000) for n in range(99)))
    stage.receiver.answer = failing(
        500, headers=headers, body=b"\xff" + "ü".encode() * 5_000, seconds=0.08, timings=timings
    )
    await stage.happens(1)
    await stage.turn(webhook)
    (kept,) = (await stage.listed())[0].attempts
    assert kept.response == "\N{REPLACEMENT CHARACTER}" + "ü" * 1_023
    assert (kept.code, kept.seconds, kept.error, kept.timings) == (500, 0.08, None, timings)
    assert kept.response_headers[0] == Header("content-type", "text/plain")
    assert len(kept.response_headers) == 8
    assert all(len(one.value) <= 500 for one in kept.response_headers)
    sent = {one.name: one.value for one in kept.request_headers}
    assert sent == {name.lower(): value for name, value in stage.receiver.heard[0].headers}
    stage.receiver.answer = HttpAnswer(NoAnswer.BLOCKED, error="Blocked destination")
    await stage.later(webhook, 6)
    kept = (await stage.listed())[0].attempts[1]
    assert (kept.code, kept.error, kept.response) == (-4, "Blocked destination", "")


async def test_attempts_are_counted_but_for_those_elsewhere(stage: Stage) -> None:
    webhook = await stage.webhook()
    await stage.happens(1, 2, 3)
    stage.receiver.answer = failing(500, seconds=0.25)
    await stage.turn(webhook)
    stage.receiver.answer = HttpAnswer(200, seconds=0.25)
    await stage.later(webhook, 6)
    await stage.program[Replays].replay((await stage.listed())[0], "https://b.example/")
    await stage.later(webhook, 1)
    hour = int(stage.scene.clock.now()) // HOUR * HOUR
    span = Span(Period.HOUR, hour - HOUR, hour, HOUR)
    groups = stage.program[GroupCounts]
    await groups.fold(webhook.server_id)
    found = await groups.read(webhook.server_id, Dimension.WEBHOOK, span)
    assert found.keys() == {webhook.id}
    told = [(counts["delivered"], counts["failed"]) for counts in found[webhook.id].values()]
    assert told == [(3, 3)]
