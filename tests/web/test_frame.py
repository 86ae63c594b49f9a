"""What every page has: who may see it, its header fields, its address behind a prefix, and its errors."""

from __future__ import annotations

import pytest

from tests.page_browser import Browser
from tests.worlds import Scene

SERVER = "/org/acme/servers/app"


async def test_somebody_signed_in_sees_their_server(owner: Browser) -> None:
    shown = await owner.get(SERVER)
    assert shown.status == 200
    assert f"{SERVER}/messages" in {where.partition("?")[0] for where in shown.addresses}


async def test_nobody_is_led_to_the_sign_in_and_back(scene: Scene) -> None:
    answer = await Browser(scene.posthorn).ask("GET", SERVER, b"", {})
    assert answer.status == 303
    assert answer.answer.headers["Location"] == f"/login?return_to={SERVER.replace('/', '%2F')}"


async def test_a_foreign_organization_is_not_there(stranger: Browser, owner: Browser) -> None:
    assert (await stranger.get(SERVER)).status == 404
    assert (await owner.get("/org/acme/servers/nothing")).status == 404


async def test_every_page_is_kept_to_itself(owner: Browser) -> None:
    fields = (await owner.get(SERVER)).answer.headers
    policy = fields["Content-Security-Policy"]
    for part in (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "frame-ancestors 'none'",
    ):
        assert part in policy
    assert fields["Cache-Control"] == "private, no-store"
    assert fields["X-Content-Type-Options"] == "nosniff"


async def test_every_address_has_the_prefix_of_the_stage(owner: Browser) -> None:
    owner.prefix = "/api"
    shown = await owner.get(SERVER)
    assert shown.status == 200
    assert all(where.startswith(("/api/", "#")) for where in shown.addresses), shown.addresses
    assert 'href="/api/static/' in shown.html


async def test_what_is_not_there_says_so_in_the_frame(owner: Browser) -> None:
    shown = await owner.get("/nothing")
    assert (shown.status, shown.title) == (404, "Not found – Posthorn")
    assert (await owner.ask("DELETE", "/login", b"", {})).status == 405


async def test_programs_that_ask_for_nothing_get_a_problem(owner: Browser) -> None:
    for path in ("/nothing", "/api/v3/emails"):
        shown = await owner.ask(
            "POST", path, b"{}", {"accept": "*/*", "content-type": "application/json"}
        )
        assert (shown.status, shown.answer.headers["Content-Type"]) == (
            404,
            "application/problem+json",
        )


@pytest.mark.parametrize("name", ["posthorn.css", "app.js", "htmx.min.js", "favicon.svg"])
async def test_static_files_have_the_mark_of_their_content(scene: Scene, name: str) -> None:
    from chalicelib.web.static_files import address_of

    found = await Browser(scene.posthorn).ask("GET", address_of(name), b"", {})
    assert found.status == 200
    assert "immutable" in found.answer.headers["Cache-Control"]
    assert (await Browser(scene.posthorn).ask("GET", f"/static/{name}", b"", {})).status == 404


async def test_nobody_s_start(scene: Scene) -> None:
    from tests.page_browser import signed_in

    lonely = await signed_in(scene.posthorn, "new@elsewhere.test", None)
    shown = await lonely.get("/")
    assert "No organization yet" in shown.text


async def test_a_form_that_has_no_place_for_errors_names_them_and_leads_back(
    owner: Browser,
) -> None:
    page = "/org/acme/servers/app/audit"
    token = (await owner.get(page)).form("Sign out").fields["csrf"]
    fields = {"csrf": token, "since": "soon", "until": ""}
    shown = await owner.send(f"{page}/export", fields, referer=f"https://posthorn.test{page}")
    assert shown.status == 422
    assert "since" in shown.text
    assert "see errors" not in shown.text
    assert shown.links["Go back and change it"] == page


async def test_a_list_from_a_place_that_is_none_is_shown_from_the_beginning(
    owner: Browser,
) -> None:
    page = "/org/acme/servers/app/keys"
    shown = await owner.get(f"{page}?cursor=kept-too-long")
    assert (shown.status, shown.links["Show it from the beginning"]) == (422, page)
    assert "from the beginning" not in (await owner.get("/org/acme/nothing")).text
