"""The samples at the form of a webhook have the fields of what is really posted, and every event has one."""

from __future__ import annotations

import inspect
import json
import re
from typing import Any

import pytest

from chalicelib.domain.events import domains
from chalicelib.domain.limits import limit
from chalicelib.domain.suppression_told import told_of
from chalicelib.web.event_samples import sample
from chalicelib.web.event_words import EVENTS
from tests.page_browser import Browser
from tests.unit.domain.events.test_v2_bodies import CASES, material, shown


def fields(value: Any) -> Any:
    """The names that an object has, and those of the objects in it but for what people name themselves."""
    if not isinstance(value, dict):
        return None
    return {name: None if name == "metadata" else fields(one) for name, one in value.items()}


def written(function: Any) -> list[str]:
    """The names of the object that a function returns."""
    _, _, source = inspect.getsource(function).partition("return {")
    return re.findall(r'^        "(\w+)":', source, re.MULTILINE)


@pytest.mark.parametrize(("kind", "detail"), [(one[0], one[1]) for one in CASES], ids=str)
def test_a_sample_has_the_fields_of_what_is_posted(kind: Any, detail: Any) -> None:
    told = json.loads(sample(kind.value))
    real = shown(material(kind, detail))
    assert list(told) == list(real)
    assert told["type"] == kind.value
    for name in ("suppression", "domain", "limit", "rate"):
        if name in real["data"]:
            told["data"][name] = real["data"][name] = None
    if kind.value == "email.opened":
        real["data"]["visit"].pop("url")  # of the hit that the test invents
    if kind.value == "email.received":
        real["data"]["route"] = {"id": "", "name": ""}
    assert fields(told) == fields(real)
    status = real["data"].get("email", {}).get("status", "SoftFail")
    assert status in ("SoftFail", told["data"].get("email", {}).get("status"))


def test_objects_in_samples_have_the_fields_of_the_api() -> None:
    for event, name, function in (
        ("suppression.added", "suppression", told_of),
        ("domain.dns_failed", "domain", domains.domain_object),
        ("server.limit_exceeded", "limit", limit.shown),
    ):
        assert list(json.loads(sample(event))["data"][name]) == written(function), event


async def test_the_form_shows_a_sample_of_each_event(owner: Browser) -> None:
    form = await owner.get("/org/acme/servers/app/webhooks/new")
    for event in EVENTS:
        assert f'aria-label="A sample of {event}"' in form.html
    assert "a test event can be sent" in form.text
    assert form.nodes < 1_500
