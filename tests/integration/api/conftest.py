"""The API of one tenant for every test of this folder: in memory; on AWS too where a module says ON_BOTH_ENGINES."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import pytest

from chalicelib import bootstrap
from chalicelib.adapters.aws.session import AwsSession
from chalicelib.config import Settings
from tests.aws_backend import aws_backend, aws_settings
from tests.http_api import ApiWorld, api_world
from tests.worlds import make_scene

__all__ = ["aws_backend", "aws_settings"]
ENGINES = ["one host", pytest.param("aws", marks=pytest.mark.aws)]
Opened = Callable[..., AbstractContextManager[ApiWorld]]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Modules that say so are played on each engine."""
    if "engine" in metafunc.fixturenames and getattr(metafunc.module, "ON_BOTH_ENGINES", False):
        metafunc.parametrize("engine", ENGINES, indirect=True)


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> str:
    """The one that the API stands on."""
    return str(getattr(request, "param", "one host"))


@pytest.fixture
def opened(engine: str, request: pytest.FixtureRequest) -> Opened:
    """A new world on the engine, with these settings."""

    @contextlib.contextmanager
    def made(**settings: Any) -> Iterator[ApiWorld]:
        if engine == "one host":
            with api_world(Settings(**settings)) as world:
                yield world
            return
        kept_there = replace(request.getfixturevalue("aws_settings"), **settings)
        with api_world(scene=bootstrap.run(make_scene(on_aws=kept_there))) as world:
            yield world
            world.scene.posthorn[AwsSession].close()

    return made


@pytest.fixture
def api(opened: Opened) -> Iterator[ApiWorld]:
    with opened() as world:
        yield world
