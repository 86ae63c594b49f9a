"""Secrets of endpoints: shown once, sealed, and for a day both after a rotation."""

from __future__ import annotations

import base64

import pytest

from chalicelib.adapters.scripted.time import ControlledClock
from chalicelib.bootstrap import in_memory
from chalicelib.domain.durations import DAY
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.tenancy.endpoints import Endpoint, EndpointType
from chalicelib.ports.clock import Clock
from chalicelib.services.tenancy.receiver_secrets import ReceiverSecrets

ENDPOINT = Endpoint(
    "enabcdefghij", ServerId(1), "u", EndpointType.HTTP, "app", 0, url="https://a.test/"
)


@pytest.fixture
def clock() -> ControlledClock:
    return ControlledClock()


@pytest.fixture
def secrets(clock: ControlledClock) -> ReceiverSecrets:
    return in_memory(parts={Clock: clock})[ReceiverSecrets]


def bytes_of(shown: str) -> bytes:
    assert shown.startswith("whsec_")
    return base64.b64decode(shown.removeprefix("whsec_"), validate=True)


async def test_what_is_shown_is_what_signs(secrets: ReceiverSecrets) -> None:
    made, shown = await secrets.with_secret(ENDPOINT)
    assert len(bytes_of(shown)) == 32
    assert bytes_of(shown) not in (made.sealed_secret or b"")
    assert await secrets.signing(made) == [bytes_of(shown)]
    assert await secrets.signing(ENDPOINT) == []


async def test_the_old_secret_signs_for_a_day_more(
    secrets: ReceiverSecrets, clock: ControlledClock
) -> None:
    made, first = await secrets.with_secret(ENDPOINT)
    rotated, second = await secrets.rotated(made)
    assert await secrets.signing(rotated) == [bytes_of(second), bytes_of(first)]
    again, third = await secrets.rotated(rotated)
    assert await secrets.signing(again) == [bytes_of(third), bytes_of(second)]
    clock.advance(DAY)
    assert await secrets.signing(again) == [bytes_of(third)]


async def test_user_info_is_sealed(secrets: ReceiverSecrets) -> None:
    sealed = await secrets.with_user_info(ENDPOINT, "joe:p%40ss")
    assert b"joe" not in (sealed.sealed_user_info or b"")
    assert await secrets.user_info(sealed) == "joe:p%40ss"
    assert await secrets.user_info(await secrets.with_user_info(sealed, "")) == ""
