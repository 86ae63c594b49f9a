"""Pages of a program in memory and of one on AWS adapters, asked for as a browser without script would."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from chalicelib.api.http import HttpAnswer
from chalicelib.config import Settings
from chalicelib.domain.people.roles import Role
from chalicelib.web.asking import Asking
from tests.aws_backend import aws_backend, aws_names, aws_settings
from tests.http_api import api_world
from tests.page_browser import Browser, signed_in
from tests.web.looking import Looker
from tests.worlds import Scene, make_scene

__all__ = ["aws_backend", "aws_names", "aws_settings"]
AWS = pytest.param("aws", marks=pytest.mark.aws)


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    """A tenant in memory: organization acme with its server app."""
    yield await make_scene()


@pytest.fixture(params=["memory", AWS])
async def either(request: pytest.FixtureRequest) -> AsyncIterator[Scene]:
    """The same on each engine, for pages whose questions the engines answer in ways of their own."""
    settings: Settings | None = None
    if request.param == "aws":
        settings = request.getfixturevalue("aws_settings")
    yield await make_scene(on_aws=settings)


@pytest.fixture
async def owner(scene: Scene) -> Browser:
    """The browser of an owner of acme."""
    return await signed_in(scene.posthorn, "owner@acme.test", Role.OWNER, scene.organization)


@pytest.fixture
async def viewer(scene: Scene) -> Browser:
    """The browser of somebody who may look."""
    return await signed_in(scene.posthorn, "viewer@acme.test", Role.VIEWER, scene.organization)


@pytest.fixture
async def admin(scene: Scene) -> Browser:
    """The browser of an operator of the installation, who is a member of nothing."""
    return await signed_in(scene.posthorn, "root@posthorn.test", None, admin=True)


@pytest.fixture
async def stranger(scene: Scene) -> Browser:
    """The browser of an owner of another organization."""
    from chalicelib.services.tenancy.organizations import Organizations

    other: Any = await scene.posthorn[Organizations].create("Other")
    return await signed_in(scene.posthorn, "eve@other.test", Role.OWNER, other)


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Makes operations answer 503, by how their paths behind /api/v2 begin: their store is away."""
    real = Asking.answer

    def breaks(*paths: str) -> None:
        async def answer(self: Asking, method: str, path: str, **more: Any) -> HttpAnswer:
            if path.startswith(paths):
                return HttpAnswer(503, '{"detail": "The store is away"}', {})
            return await real(self, method, path, **more)

        monkeypatch.setattr(Asking, "answer", answer)

    return breaks


@pytest.fixture
def looker() -> Iterator[Looker]:
    """An owner of acme beside the API of its server, for pages of mail that the API makes."""
    with api_world() as api:
        yield Looker(api)
