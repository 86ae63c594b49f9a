"""The steps of the hour: each has its turn, whatever becomes of the others."""

from __future__ import annotations

import json

import pytest

from chalicelib import bootstrap
from chalicelib.domain.errors import TemporaryFailure
from functions import upkeep


async def test_a_step_that_fails_keeps_no_other_from_its_turn(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def away(_: bootstrap.Posthorn) -> int:
        raise TemporaryFailure("the table is away")

    async def seven(_: bootstrap.Posthorn) -> int:
        return 7

    monkeypatch.setattr(upkeep, "STEPS", (("first", away), ("second", seven)))
    notes: dict[str, int] = {}
    with pytest.raises(TemporaryFailure, match="the table is away"):
        await upkeep.keep_up(bootstrap.in_memory(), notes)
    assert notes == {"steps": 2, "failed": 1}
    first, second = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (first["unit"], first["outcome"]) == ("upkeep first", TemporaryFailure("").code)
    assert (second["unit"], second["outcome"], second["done"]) == ("upkeep second", "ok", 7)
