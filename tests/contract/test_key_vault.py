"""A secret opens under the context it was sealed under, and nowhere else."""

from __future__ import annotations

import pytest

from chalicelib.domain.errors import PermanentFailure
from chalicelib.ports.vault import KeyVault
from tests.contract.conftest import World

CONTEXT = {"item": "dkim", "domain": "acme.test"}


async def test_a_sealed_secret_opens(world: World) -> None:
    for secret in (b"", b"s3cret", bytes(range(256)) * 8):
        sealed = await world[KeyVault].seal(secret, CONTEXT)
        assert secret == b"" or secret not in sealed
        assert await world[KeyVault].open(sealed, dict(reversed(CONTEXT.items()))) == secret
        assert await world.another()[KeyVault].open(sealed, CONTEXT) == secret


async def test_no_two_seals_are_alike(world: World) -> None:
    sealed = {await world[KeyVault].seal(b"same", CONTEXT) for _ in range(20)}
    assert len(sealed) == 20


@pytest.mark.parametrize(
    "context", [{}, {"item": "dkim"}, {**CONTEXT, "domain": "other.test"}, {**CONTEXT, "more": ""}]
)
async def test_another_context_opens_nothing(world: World, context: dict[str, str]) -> None:
    sealed = await world[KeyVault].seal(b"s3cret", CONTEXT)
    with pytest.raises(PermanentFailure):
        await world[KeyVault].open(sealed, context)


async def test_a_damaged_secret_opens_nothing(world: World) -> None:
    sealed = await world[KeyVault].seal(b"s3cret", CONTEXT)
    damaged = [
        sealed[:-1],
        sealed[:5],
        b"",
        b"\x01",
        b"\x01\xff\xff" + b"x" * 40,
        bytes([sealed[0] ^ 1]) + sealed[1:],
        sealed[:-1] + bytes([sealed[-1] ^ 1]),
        sealed[:10] + bytes([sealed[10] ^ 1]) + sealed[11:],
    ]
    for text in damaged:
        with pytest.raises(PermanentFailure):
            await world[KeyVault].open(text, CONTEXT)
