"""A request has the same line on one host as in the function of AWS, field by field, whatever becomes of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib.domain.log_lines import FIELDS
from tests.http_api import ApiWorld, api_world
from tests.integration.onehost.conftest import WebTenant

# What only calls to AWS have.
OF_AWS = {"aws", "units", "bytes"}


@pytest.fixture
def api() -> Iterator[ApiWorld]:
    with api_world() as world:
        yield world


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [
        json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")
    ]


@pytest.mark.parametrize(
    ("method", "path", "value"),
    [
        ("GET", "/messages", None),
        ("POST", "/emails", {"from": "a@acme.test", "to": ["x@example.com"], "text": "Hi"}),
        ("POST", "/emails", {"from": "nobody"}),
        ("GET", "/messages/4711", None),
    ],
)
def test_a_request_of_api_v2(
    api: ApiWorld,
    tenant: WebTenant,
    capsys: pytest.CaptureFixture[str],
    method: str,
    path: str,
    value: dict[str, Any] | None,
) -> None:
    api.v2(method, path, value)
    there = lines(capsys)
    tenant.v2(method, path, value)
    here = lines(capsys)
    assert [list(line) for line in there] == [list(line) for line in here]
    assert len(here) == 1
    for one, other in zip(there, here, strict=True):
        assert set(one) <= set(FIELDS)
        assert {name: one[name] for name in ("unit", "level", "outcome", "status")} == {
            name: other[name] for name in ("unit", "level", "outcome", "status")
        }


def test_a_request_of_api_v1(
    api: ApiWorld, tenant: WebTenant, capsys: pytest.CaptureFixture[str]
) -> None:
    api.v1("messages/message", {"id": 4711})
    there = lines(capsys)
    tenant.v1("messages/message", {"id": 4711})
    assert [set(line) - OF_AWS for line in there] == [set(line) for line in lines(capsys)]
