"""Keys and stack traces never come back: not in an answer, not in the log, whatever goes wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib.domain.errors import TemporaryFailure
from chalicelib.ports.intake import Intake
from tests.http_api import ApiWorld, api_world

GOOD = {"from": "app@acme.test", "to": "private@example.com", "subject": "Private", "text": "Words"}


@pytest.fixture
def api() -> Iterator[ApiWorld]:
    with api_world() as world:
        yield world


@pytest.mark.parametrize(
    "key", ["short", "a-wrong-key-of-some-length-0123456789", "x" * 300, "ключ" * 5]
)
def test_a_wrong_key_is_not_echoed(
    api: ApiWorld, key: str, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = [
        api.call("POST", "/api/v1/send/message", b"{}", {"X-Server-API-Key": key}),
        api.call("GET", "/api/v2/emails", None, {"Authorization": f"Bearer {key}"}),
        api.call("GET", "/api/v2/emails", None, {"X-Server-API-Key": key}),
    ]
    log = capsys.readouterr().out
    for answer in answers:
        assert key not in answer.body.decode() + log
        assert key not in json.dumps(answer.json, ensure_ascii=False)
    assert "token" in answers[0].json["data"]


def test_the_log_has_no_addresses_subjects_or_keys(
    api: ApiWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    assert api.v2("POST", "/emails", GOOD, idempotency_key="my-key").status == 202
    assert api.v2("GET", "/emails?to=private@example.com").status == 200
    api.v2("POST", "/emails", GOOD | {"to": "private@@example.com"})
    log = capsys.readouterr().out
    assert len([json.loads(line) for line in log.splitlines()]) == 3
    for secret in (api.scene.api_key, "private@", "Private", "Words", "app@acme.test", "my-key"):
        assert secret not in log


def test_causes_stay_inside(api: ApiWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: Any) -> None:
        try:
            raise OSError("connect to 10.0.0.5 with password hunter2")
        except OSError as error:
            raise TemporaryFailure("Storage is away, try again later") from error

    monkeypatch.setattr(api.scene.posthorn[Intake], "store", broken)
    reply = api.v2("POST", "/emails", GOOD)
    assert reply.status == 503
    assert reply.json["detail"] == "Storage is away, try again later"
    assert b"hunter2" not in reply.body


def test_hostile_request_ids_and_paths_are_only_text(api: ApiWorld) -> None:
    reply = api.v2("GET", "/emails/%0d%0aX-Evil:%201")
    assert reply.status == 404
    assert not any("evil" in name.lower() for name in reply.headers)
