"""The API of one tenant in memory, for every test of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.http_api import ApiWorld, api_world


@pytest.fixture
def api() -> Iterator[ApiWorld]:
    with api_world() as world:
        yield world
