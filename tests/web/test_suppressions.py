"""Suppressions: the list with its evidence, adding and allowing again with Undo, import and export."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

import pytest

from tests.page_browser import Browser
from tests.web.offered import offered
from tests.worlds import Scene

LIST = "/org/acme/servers/app/suppressions"
HOSTILE = '"><script>alert(1)</script>\u202e'


async def suppress(browser: Browser, address: str, where: str = LIST, **more: str) -> None:
    page = await browser.get(where)
    token = page.forms[-1].fields.get("csrf") or page.form("Suppress").fields["csrf"]
    shown = await browser.post(where, {"csrf": token, "address": address, **more})
    assert shown.status == 200, shown.text


async def test_nobody_is_suppressed_and_the_page_says_who_comes_here(owner: Browser) -> None:
    shown = await owner.get(LIST)
    assert "Nobody is suppressed" in shown.text
    assert "All 0" in shown.text


async def test_an_address_is_suppressed_and_undo_takes_it_off(owner: Browser) -> None:
    page = await owner.get(LIST)
    after = await owner.submit(
        page, "Suppress", address="Bob@Example.com", note="asked", **{"for": "30"}
    )
    assert "bob@example.com is suppressed" in after.text.lower()
    assert "Added by hand" in after.text
    assert "“asked”" in after.text
    assert "in 30 days" not in after.text  # beyond a day a date stands there
    undone = await owner.submit(after, "Undo")
    assert "may be written to again" in undone.text
    assert "This address is not suppressed" in undone.text
    redone = await owner.submit(undone, "Undo")
    assert "Bob@example.com" in redone.text or "bob@example.com" in redone.text
    assert "All 1" in redone.text


async def test_a_whole_domain_is_suppressed_for_ever(owner: Browser) -> None:
    page = await owner.get(LIST)
    after = await owner.submit(page, "Suppress", address="*@closed.example", **{"for": "never"})
    assert "*@closed.example" in after.text
    assert "no end" in after.text
    one = await owner.get(f"{LIST}/{quote('*@closed.example')}")
    assert one.status == 200


@pytest.mark.parametrize("wrong", ["", "nobody", HOSTILE, "x" * 10_000, "a@b\x00.example"])
async def test_what_is_no_address_is_said_beside_the_field(owner: Browser, wrong: str) -> None:
    shown = await owner.submit(await owner.get(LIST), "Suppress", address=wrong)
    assert shown.status == 422
    assert 'id="e-address"' in shown.html
    assert "<script>alert" not in shown.html


async def test_hostile_notes_are_shown_and_do_nothing(owner: Browser) -> None:
    await suppress(owner, "bob@example.com", note="<img src=x onerror=alert(1)>")
    for path in (LIST, f"{LIST}/bob@example.com"):
        shown = await owner.get(path)
        assert "<img" not in shown.html
        assert "onerror=alert(1)" in shown.text


@pytest.mark.parametrize("reason", ["complaint", "unsubscribe"])
async def test_who_asked_for_it_is_allowed_again_with_a_reason(owner: Browser, reason: str) -> None:
    await suppress(owner, "lena@example.com", reason=reason)
    shown = await owner.get(LIST)
    asked = await owner.get(shown.links["Allow again"].replace("&amp;", "&"))
    assert "kept in the audit log" in asked.text
    refused = await owner.submit(asked, "Allow this address again")
    assert refused.status == 422
    assert 'id="e-note"' in refused.html
    token = asked.form("Allow this address again").fields["csrf"]
    bare = await owner.post(f"{LIST}/lena@example.com/allow", {"csrf": token, "scope": "server"})
    assert bare.path.startswith(f"{LIST}/lena%40example.com/allow")
    done = await owner.submit(asked, "Allow this address again", note="by phone")
    assert "may be written to again" in done.text


async def test_reasons_are_chips_and_an_address_is_looked_up(owner: Browser) -> None:
    await suppress(owner, "one@example.com", reason="bounce")
    await suppress(owner, "two@example.com")
    shown = await owner.get(LIST)
    only = await owner.get(shown.links["Bounced 1"])
    assert "one@example.com" in only.text
    assert "two@example.com" not in only.text
    found = await owner.get(f"{LIST}?address=two@example.com")
    assert "one@example.com" not in found.text
    nothing = await owner.get(f"{LIST}?address=three@example.com")
    assert "Nothing found" in nothing.text
    assert nothing.links["Show all"] == LIST
    assert (
        "No suppressed address is as you asked"
        in (await owner.get(f"{LIST}?reason=complaint")).text
    )


async def test_an_entry_of_the_organization_is_allowed_again_there(owner: Browser) -> None:
    await suppress(owner, "all@example.com", "/org/acme/suppressions")
    shown = await owner.get(LIST)
    assert "all of acme" in shown.text
    after = await owner.submit(shown, "Allow again")
    assert after.path == "/org/acme/suppressions/all%40example.com"
    assert "may be written to again" in after.text


async def test_an_import_is_looked_at_before_it_is_done(owner: Browser) -> None:
    page = await owner.get(f"{LIST}/import")
    seen = await owner.submit(
        page, "Look at the file", csv="address\nbob@example.com\nnobody\n", reason="manual"
    )
    assert "Nothing is imported yet" in seen.text
    assert "Line 3" in seen.text
    assert "Nobody is suppressed" in (await owner.get(LIST)).text
    sent = {**seen.form("Import 1 addresses").fields, "meant": "1"}
    begun = await owner.send(
        f"{LIST}/import",
        {name: one[0] if isinstance(one, list) else one for name, one in sent.items()},
    )
    assert begun.status == 303
    assert "/operations/" in begun.answer.headers["Location"]
    wrong = await owner.submit(page, "Look at the file", csv="")
    assert wrong.status == 422


async def test_a_file_is_read_as_one(owner: Browser) -> None:
    page = await owner.get(f"{LIST}/import")
    token = page.form("Look at the file").fields["csrf"][0]
    parts = [("csrf", token), ("csv", ""), ("reason", "manual")]
    body = "".join(
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in parts
    )
    body += '--b\r\nContent-Disposition: form-data; name="file"; filename="x.csv"\r\n\r\n'
    body += "address\r\na@b.example\r\n\r\n--b--\r\n"
    kind = {"content-type": "multipart/form-data; boundary=b"}
    shown = await owner.ask("POST", f"{LIST}/import", body.encode(), kind)
    assert "Import 1 addresses" in shown.text


def multipart(**fields: str) -> bytes:
    parts = (
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    )
    return f"{''.join(parts)}--b--\r\n".encode()


async def test_a_file_of_what_the_api_takes_is_chosen_twice(owner: Browser) -> None:
    kind = {"content-type": "multipart/form-data; boundary=b"}
    page = await owner.get(f"{LIST}/import")
    sent = {"csrf": page.form("Look at the file").fields["csrf"][0], "reason": "manual"}
    rows = "".join(f"p{number}@{'x' * 50}.example\n" for number in range(30_000))
    file = f"address\n{rows}"
    assert 1_000_000 < len(file) < 4_194_304
    body = multipart(file=file, **sent)
    seen = await owner.ask("POST", f"{LIST}/import", body, kind)
    assert seen.status == 200, seen.text[:500]
    assert len(seen.html) < 50_000
    sent |= {"meant": "1", "digest": seen.form("Import the whole file").fields["digest"][0]}
    body = multipart(file=file.replace("p1@", "p1-@"), **sent)
    other = await owner.ask("POST", f"{LIST}/import", body, kind)
    assert "another file than the one before" in other.text
    nothing = await owner.ask("POST", f"{LIST}/import", multipart(file="", **sent), kind)
    assert nothing.status == 422
    begun = await owner.ask("POST", f"{LIST}/import", multipart(file=file, **sent), kind)
    assert begun.status == 303
    assert "/operations/" in begun.answer.headers["Location"]


async def test_a_form_says_how_much_it_takes(owner: Browser) -> None:
    for path, most in (("/import", "4,160 KiB"), ("", "256 KiB")):
        shown = await owner.send(f"{LIST}{path}", {"csv": "x" * 4_300_000})
        assert (shown.status, f"This form takes at most {most}" in shown.text) == (413, True)


async def test_an_export_is_a_job(owner: Browser) -> None:
    for where in (LIST, "/org/acme/suppressions"):
        page = await owner.get(where)
        token = page.form("Export").fields["csrf"]
        shown = await owner.send(f"{where}/export", {"csrf": token, "reason": "", "address": ""})
        assert shown.status == 303
        assert "/operations/" in shown.answer.headers["Location"]


async def test_what_was_held_is_offered_for_release(scene: Scene, owner: Browser) -> None:
    await suppress(owner, "john@example.com")
    await scene.accept("john@example.com")
    await scene.deliver_ready()
    shown = await owner.get(f"{LIST}/john@example.com")
    assert "1 message is held for it" in shown.text
    assert not shown.has_button("Release what is held")
    allowed = await owner.submit(shown, "Allow again")
    released = await owner.submit(allowed, "Release what is held")
    assert "is being released" in released.text


async def test_a_viewer_changes_nothing(owner: Browser, viewer: Browser) -> None:
    await suppress(owner, "bob@example.com")
    shown = await viewer.get(LIST)
    assert offered(shown) == {"Export", "Look up"}
    one = await viewer.get(f"{LIST}/bob@example.com")
    assert not one.has_button("Allow again")
    token = shown.form("Export").fields["csrf"]
    for path in ("", "/import", "/bob@example.com/allow", "/bob@example.com/release"):
        assert (await viewer.post(LIST + path, {"csrf": token})).status == 403
    for path in ("/import", "/bob@example.com/allow"):
        assert (await viewer.get(LIST + path)).status == 403


async def test_somebody_of_elsewhere_sees_no_suppression(stranger: Browser, owner: Browser) -> None:
    assert (await stranger.get(LIST)).status == 404
    token = (await stranger.get("/org/other/suppressions")).form("Export").fields["csrf"]
    assert (await stranger.post(LIST, {"csrf": token, "address": "a@b.example"})).status == 404
    assert (await owner.get(f"{LIST}/nobody@example.com/allow")).status == 404


async def test_numbers_that_cannot_be_had_leave_the_list(
    owner: Browser, broken: Callable[..., None]
) -> None:
    await suppress(owner, "bob@example.com")
    broken("/suppressions/counts", "/emails")
    shown = await owner.get(LIST)
    assert "How many there are could not be loaded" in shown.text
    assert "bob@example.com" in shown.text
    assert "Could not be loaded" in (await owner.get(f"{LIST}/bob@example.com")).text


async def test_a_long_list_is_a_page_of_it(scene: Scene, owner: Browser) -> None:
    page = await owner.get(LIST)
    for at in range(35):
        await owner.submit(page, "Suppress", address=f"a{at}@example.com")
    shown = await owner.get(LIST)
    assert "30 of 35, newest first" in shown.text
    assert shown.nodes < 1_500
    older = await owner.get(shown.links["Older"])
    assert "a0@example.com" in older.text
