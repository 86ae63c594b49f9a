"""What happens at a server is followed from the command line, and gone on with where it was stopped."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from chalicelib.adapters.sqlite.feed import SOURCE, EventFeed
from chalicelib.bootstrap import run
from chalicelib.cli import following
from chalicelib.cli.main import main
from chalicelib.cli.session import Session
from chalicelib.domain import lifecycle
from chalicelib.domain.engagement import EngagementEvent, EngagementKind
from chalicelib.domain.model import Message, Status
from chalicelib.ports.engagement import Engagement
from chalicelib.ports.messages import MessageStore
from chalicelib.services.events.outbox import Outbox
from tests.fakes import a_delivery
from tests.worlds import Scene, make_scene

Step = Callable[[], object]


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Scene:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://nowhere.invalid")
    return run(make_scene())


@pytest.fixture(autouse=True)
def control_c_is_heard() -> Iterator[None]:
    """A shell starts what runs in the background with SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def tell(scene: Scene) -> None:
    """Let the outbox have its turn."""

    async def turn() -> None:
        changes, position = scene.posthorn[EventFeed].read()
        await scene.posthorn[Outbox].run(SOURCE, changes)
        await scene.posthorn[EventFeed].move(position)

    run(turn())


def between(monkeypatch: pytest.MonkeyPatch, scene: Scene, *steps: Step) -> int:
    """Where the command would sleep, let the next thing happen and be told; how often it has to look."""
    waiting = list(steps)

    def sleep(seconds: float) -> None:
        waiting.pop(0)()
        tell(scene)

    monkeypatch.setattr(following.time, "sleep", sleep)
    return len(steps) + 1


def session(scene: Scene) -> Session:
    return Session(open_installation=lambda: scene.posthorn)


def fail(scene: Scene, message: Message, output: str) -> None:
    before = run(scene.record(message))
    delivery = a_delivery(7, Status.SOFT_FAIL, output=output, at=scene.clock.now())
    after = lifecycle.waiting(before, delivery, int(scene.clock.now()) + 300)
    assert run(scene.posthorn[MessageStore].replace(before, after))


def opened(scene: Scene, message: Message) -> None:
    now = scene.clock.now()
    hit = EngagementEvent(EngagementKind.OPEN, now, "192.0.2.7", "Mozilla \x1b[2J")
    run(scene.posthorn[Engagement].record(message.server_id, message.id, hit, int(now) + 9_999))


def lines(capsys: pytest.CaptureFixture[str]) -> list[Any]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_tail_shows_what_comes(
    scene: Scene, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (old,) = run(scene.accept("old@example.com"))
    fail(scene, old, "450 before")
    tell(scene)
    scene.clock.advance(60)
    (message,) = run(scene.accept("new@example.com"))
    steps: tuple[Step, ...] = (
        lambda: fail(scene, message, "450 \x1b[2J later"),
        lambda: opened(scene, message),
        lambda: None,
    )
    polls = between(monkeypatch, scene, *steps)
    assert main(["tail", "--polls", str(polls), "--json"], session(scene)) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    events = [json.loads(text) for text in out.splitlines()]
    assert [(one["type"], one["data"]["email"]["to"]) for one in events] == [
        ("email.delayed", "new@example.com"),
        ("email.opened", "new@example.com"),
    ]
    assert main(["tail", "--since", "1h", "--polls", "1"], session(scene)) == 0
    text = capsys.readouterr().out
    assert text.count("\n") == 3
    assert "450 \\x1b[2J later" in text
    assert "450 before" in text
    assert "192.0.2.7 Mozilla \\x1b[2J" in text
    assert (
        main(["tail", "--since", "1h", "--polls", "1", "--type", "email.opened"], session(scene))
        == 0
    )
    assert capsys.readouterr().out.count("\n") == 1


def test_tail_ends_quietly_with_control_c(
    scene: Scene, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    between(monkeypatch, scene, lambda: os.kill(os.getpid(), signal.SIGINT))
    assert main(["tail"], session(scene)) == 130
    assert capsys.readouterr().err.strip() == ""


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_an_export_is_gone_on_with_where_it_was_stopped(
    scene: Scene,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    by: signal.Signals,
) -> None:
    handler = signal.getsignal(signal.SIGTERM)
    (message,) = run(scene.accept("new@example.com"))
    fail(scene, message, "450 later")
    tell(scene)
    between(monkeypatch, scene, lambda: opened(scene, message), lambda: os.kill(os.getpid(), by))
    assert main(["export", "--follow", "--since", "1h"], session(scene)) == 130
    captured = capsys.readouterr()
    first = [json.loads(line) for line in captured.out.splitlines()]
    assert [one["type"] for one in first] == ["email.delayed", "email.opened"]
    *_, cursor = captured.err.split()
    assert captured.err.strip() == f"Go on with --cursor {cursor}"
    assert signal.getsignal(signal.SIGTERM) is handler

    opened(scene, message)
    tell(scene)
    line = ["export", "--follow", "--polls", "1", "--cursor", cursor]
    assert main(line, session(scene)) == 0
    (again,) = lines(capsys)
    assert again["id"] not in {one["id"] for one in first}
    assert main([*line, "--since", "1h"], session(scene)) == 2
    assert main([*line[:-1], "nonsense"], session(scene)) == 1
    assert main(["export"], session(scene)) == 2
