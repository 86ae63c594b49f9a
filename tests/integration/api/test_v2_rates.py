"""Routes with a rate: how much is left stands on each answer, and above it is 429."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from chalicelib import bootstrap
from chalicelib.api.http import HttpAnswer, HttpRequest
from chalicelib.api.v2.operation import operate
from chalicelib.api.v2.route import route
from chalicelib.api.v2.servers import Server, show_server
from chalicelib.domain.rates import RESET
from chalicelib.services.rates import RateExceeded, Rates
from tests.http_api import ApiWorld

RATED = route(
    "GET /servers/{organization}/{server}",
    show_server,
    Server,
    scope="servers:read",
    tenant="path",
    rate="dns",
)


def asked(api: ApiWorld, server: str = "app", key: str | None = None) -> HttpAnswer:
    request = HttpRequest(
        "GET",
        f"/api/v2/servers/acme/{server}",
        {"organization": "acme", "server": server},
        {},
        {"authorization": f"Bearer {key or api.installation_key}"},
        b"",
        "192.0.2.1",
        "r1",
    )
    return bootstrap.run(operate(RATED, api.scene.posthorn, request))


def test_what_is_left_stands_on_each_answer(api: ApiWorld) -> None:
    clock = api.scene.clock
    answers = []
    for _ in range(10):
        answers.append(asked(api))
        clock.advance(2)
    assert [one.status for one in answers] == [200] * 10
    assert {one.headers["RateLimit-Policy"] for one in answers} == {'"dns";q=10;w=60'}
    assert answers[0].headers["RateLimit"] == '"dns";r=9;t=60'
    assert answers[9].headers["RateLimit"] == '"dns";r=0;t=42'

    refused = asked(api)
    assert refused.status == 429
    assert '"code": "throttled"' in refused.body or '"code":"throttled"' in str(refused.body)
    assert refused.headers["Retry-After"] == "40"
    assert refused.headers["RateLimit"] == '"dns";r=0;t=40'
    clock.advance(40)
    assert asked(api).headers["RateLimit"] == '"dns";r=9;t=60'


def test_who_is_not_let_in_is_not_counted(api: ApiWorld) -> None:
    assert asked(api, key="ph_wrong").status == 401
    assert asked(api, "none").status == 404
    assert asked(api).headers["RateLimit"] == '"dns";r=9;t=60'


def test_an_address_has_its_own_quota_however_it_is_written(api: ApiWorld) -> None:
    rates = api.scene.posthorn[Rates]

    async def many() -> None:
        await asyncio.gather(*(rates.count(RESET, "Ann@Example.com") for _ in range(5)))
        with pytest.raises(RateExceeded) as exceeded:
            await rates.count(RESET, "ann@example.com")
        assert exceeded.value.retry_after == 3_600
        assert (await rates.count(RESET, "bob@example.com")).left == 4
        assert (await rates.count(replace(RESET, name="other"), "ann@example.com")).left == 4

    bootstrap.run(many())
