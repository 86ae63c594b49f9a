"""Every row of the table of pages by each role and from a foreign organization, and every page that each role finds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from chalicelib import bootstrap
from chalicelib.api.v2.routes import every_route
from chalicelib.config import Settings
from chalicelib.domain.people.roles import Role, scopes_of
from chalicelib.domain.tenancy.scopes import Reach, granted
from chalicelib.services.tenancy.organizations import Organizations
from chalicelib.web.routes import ROWS, find
from chalicelib.web.row import Row
from tests.filled_tenant import FilledTenant
from tests.http_api import ApiWorld
from tests.page_browser import Browser, Shown, signed_in
from tests.site_map import OTHER, site_map
from tests.worlds import Scene, make_scene

ROLES = (*Role, None)  # None: an operator of the installation
STARTS = ("/?all=1", "/settings", "/org/acme", "/org/acme/servers/app")
OPERATIONS = {route.name for route in every_route()}
# They change what the browser keeps, or nothing.
WITHOUT_EQUAL: frozenset[str] = frozenset()
TENANTS = [row for row in ROWS if "{org}" in row.pattern]


def named(row: Row) -> str:
    return f"{row.method} {row.pattern}"


@pytest.fixture(scope="module")
def filled() -> Iterator[Scene]:
    """A tenant with something on every page, and an organization beside it."""
    scene = bootstrap.run(make_scene(Settings(web_url="http://localhost:8080")))
    bootstrap.use(scene.posthorn)
    try:
        FilledTenant(ApiWorld(scene)).fill()
        yield scene
    finally:
        bootstrap.use(None)


@pytest.fixture(scope="module")
def browsers(filled: Scene) -> dict[Role | None, Browser]:
    """Somebody with each role in acme."""

    async def make() -> dict[Role | None, Browser]:
        program = filled.posthorn
        return {
            role: await signed_in(
                program,
                f"{role.value if role else 'root'}@acme.test",
                role,
                filled.organization if role else None,
                admin=role is None,
            )
            for role in ROLES
        }

    return bootstrap.run(make())


@pytest.fixture(scope="module")
def stranger(filled: Scene) -> Browser:
    """An owner of another organization."""

    async def make() -> Browser:
        other = await filled.posthorn[Organizations].create("Elsewhere")
        return await signed_in(filled.posthorn, "eve@elsewhere.test", Role.OWNER, other)

    return bootstrap.run(make())


def may(role: Role | None, right: str) -> bool:
    """Whether a role has a right in its organization."""
    held = granted(
        ("*",) if role is None else scopes_of(role),
        Reach.INSTALLATION if role is None else Reach.ORGANIZATION,
    )
    return set(right.split()) <= held


def path_of(row: Row) -> str:
    """An address of a row in acme, of things that are not there."""
    known = {"org": "acme", "server": "app"}
    return re.sub(r"{(\w+)}", lambda one: known.get(one[1], "1"), row.pattern)


def asked(browser: Browser, row: Row) -> Shown:
    """What a browser gets of a row; a form with a token that is right and no field."""
    if row.method == "GET":
        return bootstrap.run(browser.ask("GET", path_of(row), b"", {}))
    form = bootstrap.run(browser.get("/settings")).form("Sign out")
    return bootstrap.run(browser.send(path_of(row), {"csrf": form.fields["csrf"]}))


@pytest.mark.parametrize("row", ROWS, ids=named)
def test_a_row_has_equals_in_the_api(row: Row) -> None:
    assert set(row.api) <= OPERATIONS
    assert row.api or row.method == "GET" or row.pattern in WITHOUT_EQUAL


@pytest.mark.parametrize("row", TENANTS, ids=named)
def test_a_foreign_organization_is_not_there(stranger: Browser, row: Row) -> None:
    assert asked(stranger, row).status == 404


@pytest.mark.parametrize("role", list(Role), ids=str)
def test_without_the_right_nothing_is_shown_or_done(
    browsers: dict[Role | None, Browser], role: Role
) -> None:
    for row in ROWS:
        if row.is_public or may(role, row.right):
            continue
        shown = asked(browsers[role], row)
        assert shown.status == 403, (row.method, row.pattern, shown.text)
        assert "Only " in shown.text
        if "{org}" in row.pattern and not row.right.startswith("installation"):
            assert " of acme can do this" in shown.text, row
            assert "/org/acme" in shown.addresses, row  # what stands around stays


def test_nobody_is_led_to_the_sign_in(filled: Scene) -> None:
    for row in ROWS:
        if row.is_public or row.method != "GET":
            continue
        shown = bootstrap.run(Browser(filled.posthorn).ask("GET", path_of(row), b"", {}))
        assert (shown.status, shown.answer.headers["Location"][:6]) == (303, "/login"), row


@pytest.mark.parametrize("role", ROLES, ids=str)
def test_no_link_leads_astray_and_no_form_is_offered_without_its_right(
    browsers: dict[Role | None, Browser], role: Role | None
) -> None:
    browser = browsers[role]
    starts = (*STARTS, "/admin") if role is None else STARTS
    found = bootstrap.run(site_map(browser, *starts))
    assert len(found) > 10
    wrong = []
    for address in found.values():
        shown = bootstrap.run(browser.ask("GET", address, b"", {}))
        if shown.status != 200:
            wrong.append(f"{address}: {shown.status}")
        if shown.repeated_ids:
            wrong.append(f"{address}: ids more than once: {shown.repeated_ids}")
        for where in shown.addresses:
            path = urlsplit(where).path
            if path.startswith("/") and not path.startswith(OTHER) and not find("GET", path):
                wrong.append(f"{address}: a link to {where}, where nothing is")
        for form in shown.forms:
            where = (form.action or address).partition("?")[0]
            row, _ = find(form.method.upper(), where) or (None, {})
            if row is None or not may(role, row.right):
                wrong.append(f"{address}: a form to {where} that {role} may not send")
    assert not wrong, "\n".join(wrong)
