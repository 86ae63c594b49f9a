"""The tracking function as Lambda calls it: events of a function URL in, answers out, one log line each."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib import bootstrap
from chalicelib.services.tracking.answer import IMAGE, Track
from functions.tracking import tracking
from infra.local.exchange import Request
from infra.local.function_url import event_of, response_of
from infra.local.invocation import Context
from tests.tracking_scene import LINKS, TrackedMail, make_tracked_mail


@pytest.fixture
def mail() -> Iterator[TrackedMail]:
    scene, made = bootstrap.run(make_tracked_mail())
    bootstrap.use(scene.posthorn)
    yield made
    bootstrap.use(None)


def ask(path: str, method: str = "GET", **headers: str) -> Any:
    request = Request(method, path, {"user-agent": "Reader/1", **headers}, b"")
    return tracking(event_of(request, 1_800_000_000.0, "203.0.113.9"), Context("tracking"))


def test_the_image_travels_as_base64_whatever_is_accepted(mail: TrackedMail) -> None:
    for accept in ("text/html", "image/png", ""):
        answer = ask(mail.image, accept=accept)
        assert answer["statusCode"] == 200
        assert answer["isBase64Encoded"] is True
        assert base64.b64decode(answer["body"]) == IMAGE
        assert response_of(answer).body == IMAGE
    opens = bootstrap.run(mail.activity()).opens
    assert {(hit.address, hit.user_agent) for hit in opens} == {("203.0.113.9", "Reader/1")}


def test_a_link_is_a_redirect(mail: TrackedMail) -> None:
    response = response_of(ask(mail.link(1)))
    assert (response.status, dict(response.headers)["Location"]) == (307, LINKS[0])


def test_a_query_is_read_and_a_body_is_not(mail: TrackedMail) -> None:
    assert ask(f"{mail.image}?src=http://x")["statusCode"] == 400
    request = Request("POST", mail.link(1), {"content-type": "text/plain"}, b"\xff" * 1000)
    assert tracking(event_of(request, 0.0), Context("tracking"))["statusCode"] == 307


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"rawPath": None, "headers": None, "requestContext": None},
        {"requestContext": {"http": None}},
        {"rawPath": 7, "headers": {"user-agent": None}, "requestContext": {"http": {}}},
        {"Records": []},
    ],
)
def test_events_that_lack_something_are_visits_to_nothing(
    event: dict[str, Any], mail: TrackedMail
) -> None:
    answer = tracking(event, Context("tracking"))
    assert (answer["statusCode"], base64.b64decode(answer["body"])) == (200, b"Hello.")


def test_one_line_says_how_it_went(mail: TrackedMail, capsys: pytest.CaptureFixture[str]) -> None:
    ask(mail.link(2))
    (line,) = (json.loads(each) for each in capsys.readouterr().out.splitlines())
    assert (line["unit"], line["outcome"], line["status"]) == ("tracking", "ok", 307)
    assert (line["asked"], line["kept"], line["automatic"]) == ("link", True, False)
    assert (line["server_id"], line["message_id"]) == (mail.server.id, mail.message)


def test_what_nobody_foresaw_is_an_answer_and_an_error_in_the_log(
    mail: TrackedMail, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def broken(*_: Any) -> Any:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(Track, "answer", broken)
    answer = ask(mail.image)
    assert (answer["statusCode"], answer["body"]) == (500, "Try again later")
    said = capsys.readouterr().out
    assert json.loads(said)["outcome"] == "error"
    assert "secret" not in said


def test_behind_cloudfront_its_word_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    from chalicelib.config import Settings
    from tests.worlds import make_scene

    scene = bootstrap.run(make_scene(Settings(behind_cloudfront=True)))
    _, mail = bootstrap.run(make_tracked_mail(scene))
    bootstrap.use(scene.posthorn)
    try:
        ask(mail.image, **{"cloudfront-viewer-address": "2001:db8::5:443"})
    finally:
        bootstrap.use(None)
    assert bootstrap.run(mail.activity()).opens[0].address == "2001:db8::5"
