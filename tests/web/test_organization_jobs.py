"""Exports and erasures of an organization are looked at as those of a server are."""

from __future__ import annotations

from tests.page_browser import Browser

ORGANIZATION = "/org/acme"


async def test_an_export_of_an_organization_has_its_page(owner: Browser) -> None:
    page = await owner.get(f"{ORGANIZATION}/suppressions")
    shown = await owner.submit(page, "Export")
    assert shown.status == 200
    assert shown.path.startswith(f"{ORGANIZATION}/operations/")
    assert "The export has begun" in shown.text
    listed = await owner.get(f"{ORGANIZATION}/operations")
    assert shown.path in listed.addresses
    stopped = await owner.submit(shown, "Stop")
    assert stopped.status == 200
    assert (await owner.get(f"{ORGANIZATION}/operations/jbnothing")).status == 404


async def test_an_organization_without_jobs_says_so(stranger: Browser, owner: Browser) -> None:
    shown = await stranger.get("/org/other/operations")
    assert shown.status == 200
    assert "30 days" in shown.text
    assert (await stranger.get(f"{ORGANIZATION}/operations")).status == 404
