"""Whether somebody has an account is told by no answer: neither by its bytes nor by what is computed for it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import pytest

from chalicelib import bootstrap
from chalicelib.domain.people.passwords import COST, hashed
from chalicelib.services.people.password_resets import ANSWER_SECONDS
from tests.http_api import ApiWorld, Reply
from tests.integration.api.conftest import Opened
from tests.people import PASSWORD, Visitor, a_person

ON_BOTH_ENGINES = True
KEPT = hashed(PASSWORD, b"0123456789abcdef")
ONE_RUN = [(1 << COST.log_n, COST.r, COST.p)]
PEOPLE: dict[str, dict[str, Any]] = {
    "who has a password": {"password": KEPT},
    "who has none": {"password": ""},
    "who has a second factor": {"password": KEPT, "sealed_totp": b"sealed"},
    "who is of a provider": {"password": "", "oidc_issuer": "https://i.test", "oidc_subject": "s"},
}
TRIED = ["wrong password", "", "x" * 5_000, "\x00", "ж" * 200]


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int, int]]:
    """What each run of scrypt took."""
    found: list[tuple[int, int, int]] = []
    real = hashlib.scrypt

    def scrypt(password: bytes, **given: Any) -> bytes:
        found.append((given["n"], given["r"], given["p"]))
        return real(password, **given)

    monkeypatch.setattr(hashlib, "scrypt", scrypt)
    return found


def told(reply: Reply) -> tuple[int, Any, Mapping[str, str]]:
    """All that an answer says, but for the number of the request."""
    said = json.loads(reply.body or b"null")
    fields = {name: value for name, value in reply.headers.items() if name != "x-request-id"}
    return reply.status, {**(said or {}), "request_id": ""}, fields


def test_a_sign_in_computes_and_says_the_same_of_everybody(
    api: ApiWorld, runs: list[tuple[int, int, int]]
) -> None:
    known = [bootstrap.run(a_person(api.scene.posthorn, **one)).email for one in PEOPLE.values()]
    Visitor(api).sign_in("first@people.test", "what a process computes once")
    for password in TRIED:
        answers = []
        for email in (*known, "nobody@people.test", "x" * 200 + "@people.test"):
            api.scene.clock.advance(3_600)  # what is left of the quota is the same for each
            runs.clear()
            answers.append((told(Visitor(api).sign_in(email, password)), list(runs)))
        assert answers == [answers[0]] * len(answers), password[:20]
        (status, *_), computed = answers[0]
        assert (status, computed) in ((401, ONE_RUN), (422, [])), password[:20]


def test_a_reset_takes_and_says_the_same_of_everybody(
    opened: Opened, runs: list[tuple[int, int, int]]
) -> None:
    with opened(system_server="acme/app", system_from="app@acme.test") as api:
        known = [
            bootstrap.run(a_person(api.scene.posthorn, **one)).email for one in PEOPLE.values()
        ]
        answers = []
        for email in (*known, "nobody@people.test"):
            began = api.scene.clock.now()
            answers.append(told(Visitor(api).ask("POST", "/password-resets", {"email": email})))
            assert api.scene.clock.now() - began == pytest.approx(ANSWER_SECONDS)
        assert answers[0][0] == 202
        assert answers == [answers[0]] * len(answers)
        assert not runs
        assert api.count() == 3
