"""An installation of each released version is opened by this code with mail waiting, and goes on as if nothing was.

Each scenario is played on both engines: a state folder is opened, and a stack with all that it has stored is brought up
to date.
"""

from __future__ import annotations

from collections import Counter

import pytest

from chalicelib.bootstrap import run
from chalicelib.domain.model import State, Status
from chalicelib.domain.numbering import MessageId
from chalicelib.domain.tracking.visit import Visit
from chalicelib.ports.messages import MessageStore
from chalicelib.services.incoming.recipients import Recipients
from chalicelib.services.limits.release import ReleaseHeld
from chalicelib.services.queue.sweep import Sweep
from chalicelib.services.tracking.answer import Track
from onehost.storage.check import faults
from onehost.storage.progress import Progress
from tests.people import Visitor
from tests.tracking_scene import BROWSER, LINKS, READER
from tests.upgrade.answers import answers, lost
from tests.upgrade.conftest import Upgraded
from tests.upgrade.hands import AwsHands
from tests.upgrade.story import all_records, events, posts

pytestmark = pytest.mark.slow
MINUTE, HOURS = 60, 4


def play(upgraded: Upgraded, minutes: int = HOURS * 60, step: int = 10) -> None:
    """Have all workers work for so long."""
    for _ in range(0, minutes, step):
        upgraded.hands.work()
        run(upgraded.program[Sweep].run())
        run(upgraded.program[ReleaseHeld].run())
        upgraded.scene.clock.advance(step * MINUTE)


def test_everything_is_said_as_it_was_before(upgraded: Upgraded) -> None:
    questions = (question.partition(" ") for question in upgraded.before)
    now = answers(upgraded.api, ((path, tenant) for tenant, _, path in questions))
    assert list(lost(upgraded.before, now)) == []


def test_what_waits_is_delivered_once(upgraded: Upgraded) -> None:
    play(upgraded)
    found = {one.message.token: one for one in run(all_records(upgraded.scene))}
    waited = [found[token] for token in upgraded.facts.waiting]
    assert [(one.state, one.status) for one in waited] == [(State.DONE, Status.SENT)] * len(waited)
    got = Counter(one.envelope.rcpt_to for one in upgraded.scene.egress.received)
    assert len(got) == len(waited)
    assert set(got.values()) == {1}
    server = upgraded.scene.server.id
    held = run(upgraded.program[MessageStore].get(server, MessageId(upgraded.facts.held)))
    assert held.state is State.HELD


def test_keys_passwords_and_links_of_before_still_act(upgraded: Upgraded) -> None:
    api, facts, program = upgraded.api, upgraded.facts, upgraded.program
    assert api.v2("GET", "/emails").status == 200
    assert Visitor(api).sign_in(facts.email).status == 201
    image, link = facts.visits
    asked = [Visit("GET", path, "", {"user-agent": BROWSER}, READER) for path in (image, link)]
    shown, led = (run(program[Track].answer(one)) for one in asked)
    assert (shown.status, shown.body[:4]) == (200, b"\x89PNG")
    assert LINKS[0] in led.headers.values()
    recipient = run(program[Recipients].own(facts.return_path, ""))
    assert recipient is not None
    assert recipient.server_id == upgraded.scene.server.id


def test_the_link_in_a_message_unsubscribes(upgraded: Upgraded) -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}
    body = b"List-Unsubscribe=One-Click"
    assert upgraded.api.call("POST", upgraded.facts.unsubscribe, body, form).status == 200
    found = run(upgraded.scene.suppressed("reader@example.net", "broadcast"))
    assert found is not None
    assert found.reason == "unsubscribed"


def test_nothing_is_told_twice_and_nothing_is_left_untold(upgraded: Upgraded) -> None:
    told = upgraded.facts.told
    upgraded.tell()
    upgraded.scene.clock.advance(MINUTE)
    listed = [one["id"] for one in events(upgraded.api)]
    assert told
    assert listed[: len(told)] == told
    assert len(listed) > len(told)
    play(upgraded)
    upgraded.tell()
    upgraded.scene.clock.advance(MINUTE)
    later = events(upgraded.api)
    ids = [one["id"] for one in later]
    assert ids[: len(listed)] == listed
    assert len(set(ids)) == len(ids)
    delivered = [one for one in later[len(told) :] if one["type"] == "email.delivered"]
    assert len(delivered) >= len(upgraded.facts.waiting) - 1  # mail that came in is another event


def test_webhooks_get_what_they_lack_and_nothing_again(upgraded: Upgraded) -> None:
    upgraded.tell()
    upgraded.hands.post()
    now = posts(upgraded.receiver)
    assert now
    assert len(set(now)) == len(now)
    assert not set(now) & set(upgraded.facts.posted)


def test_a_wake_up_that_only_a_newer_version_knows_stays(upgraded: Upgraded) -> None:
    if not isinstance(upgraded.hands, AwsHands):
        pytest.skip("one host: tests/integration/onehost/test_mail_through_one_host.py")
    newer = ['{"kind": "of a newer release"}', '{"must": ["zz"], "zz": 1}', "no JSON"]
    queue = upgraded.hands.session.queues["deliver-default"]
    queue += [(0.0, body) for body in newer]
    upgraded.hands.work()
    left = [body for _, body in upgraded.hands.session.queues["deliver-default"]]
    assert [body for body in left if body in newer] == newer
    assert upgraded.scene.egress.received


def test_the_state_folder_is_sound(upgraded: Upgraded) -> None:
    if not upgraded.state.exists():
        pytest.skip("the other engine has none")
    play(upgraded)
    upgraded.tell()
    assert list(faults(upgraded.state, Progress(lambda _: None), full=True)) == []
