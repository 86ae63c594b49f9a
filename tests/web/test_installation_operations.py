"""What the whole installation is at, for its operators: queues, what failed too often, operations of all servers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.people.roles import Role
from chalicelib.ports.backends import Backends
from tests.page_browser import Browser, signed_in
from tests.worlds import Scene

if TYPE_CHECKING:
    import pytest

PAGE = "/admin/operations"


async def test_nothing_runs_and_the_page_says_so(admin: Browser) -> None:
    shown = await admin.get(PAGE)
    assert (shown.status, "No operation runs or waits" in shown.text) == (200, True)
    assert "Failed too oftennone" in shown.text


async def test_operations_of_all_tenants_are_listed_with_where_they_are(either: Scene) -> None:
    scene = either
    owner = await signed_in(scene.posthorn, "owner@acme.test", Role.OWNER, scene.organization)
    admin = await signed_in(scene.posthorn, "root@posthorn.test", None, admin=True)
    for base in ("/org/acme", "/org/acme/servers/app"):
        page = await owner.get(f"{base}/suppressions")
        assert "The export has begun" in (await owner.submit(page, "Export")).text
    await scene.accept("waits@example.net")
    shown = await admin.get(PAGE)
    found = [one for one in sorted(shown.addresses) if "/operations/jb" in one]
    assert [one.rpartition("/")[0] for one in found] == [
        "/org/acme/operations",
        "/org/acme/servers/app/operations",
    ]
    assert "acme/app" in shown.text
    assert "owner@acme.test" in shown.text
    for one in found:
        job = await admin.get(one)
        stopped = await admin.submit(job, "Stop")
        assert stopped.status == 200
    assert "No operation runs or waits" in (await admin.get(PAGE)).text


async def test_what_cannot_be_had_of_the_work_fails_alone(
    scene: Scene,
    admin: Browser,
    broken: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def away() -> None:
        raise TemporaryFailure("The queues do not answer")

    monkeypatch.setattr(scene.posthorn[Backends], "queues", away)
    shown = await admin.get(PAGE)
    assert (shown.status, "The queues do not answer" in shown.text) == (200, True)
    assert "No operation runs or waits" in shown.text
    broken("/installation/operations")
    shown = await admin.get(PAGE)
    assert (shown.status, "Could not be loaded" in shown.text) == (200, True)


async def test_a_foreign_name_is_text(scene: Scene, admin: Browser) -> None:
    owner = await signed_in(scene.posthorn, "<i>o@acme.test", Role.OWNER, scene.organization)
    await owner.submit(await owner.get("/org/acme/suppressions"), "Export")
    assert "<i>o@" not in (await admin.get(PAGE)).html
