"""Every scenario runs on the event loop of production and on the one of the standard library."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import uvloop

if TYPE_CHECKING:
    import pytest


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loops to run on."""
    return {"uvloop": uvloop.new_event_loop, "asyncio": asyncio.new_event_loop}
