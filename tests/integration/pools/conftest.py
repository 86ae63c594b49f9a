"""A program of each family of adapters, in a scripted world."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.adapters.scripted.world import scripted_parts
from chalicelib.bootstrap import Parts, Posthorn
from chalicelib.config import Settings
from tests.aws_backend import aws_backend, aws_settings

__all__ = ["aws_backend", "aws_settings"]

Make = Callable[..., Posthorn]


@pytest.fixture(params=["memory", "files", pytest.param("aws", marks=pytest.mark.aws)])
def make(request: pytest.FixtureRequest) -> Make:
    """Makes a program with these settings, on stores of its own."""

    def made(parts: Parts | None = None, **settings: Any) -> Posthorn:
        known = {**scripted_parts(live=False), **(parts or {})}
        if request.param == "aws":
            there = replace(request.getfixturevalue("aws_settings"), **settings)
            return Posthorn(there, "aws", known)
        folder = request.getfixturevalue("tmp_path") / "state" if request.param == "files" else ""
        return Posthorn(Settings(state_folder=str(folder), **settings), "sqlite", known)

    return made
