"""The installation, for its operators alone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.tenancy.listings import Listing, with_listings
from chalicelib.domain.tenancy.sources import SOURCES, EgressSource
from chalicelib.ports.repository import Repository
from chalicelib.services.checks import CheckInstallation
from chalicelib.services.pools.sources import Sources
from chalicelib.services.tenancy.organizations import Organizations
from chalicelib.services.tenancy.removal import RemoveTenants
from tests.page_browser import Browser
from tests.worlds import Scene

if TYPE_CHECKING:
    import pytest

PAGES = (
    "/admin",
    "/admin/health",
    "/admin/users",
    "/admin/users/usnobody",
    "/admin/organizations",
    "/admin/operations",
    "/admin/pools",
    "/admin/sources",
    "/admin/sources/nothing/edit",
    "/admin/settings",
)


async def test_the_installation_is_for_operators(owner: Browser, admin: Browser) -> None:
    for path in PAGES:
        shown = await owner.get(path)
        assert shown.status == 403, path
        assert "operator of this installation" in shown.text
    assert "/admin" not in (await owner.get("/org/acme")).addresses
    assert "/admin" in (await admin.get("/org/acme")).addresses


async def test_checks_that_cannot_be_had_fail_alone(
    scene: Scene, admin: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib.web.asking import Asking, Problem

    ask = Asking.ask

    async def broken(self: Asking, method: str, path: str, **more: object) -> object:
        if path == "/installation/checks":
            raise Problem(503, {"detail": str(TemporaryFailure("x"))})
        return await ask(self, method, path, **more)

    monkeypatch.setattr(Asking, "ask", broken)
    shown = await admin.get("/admin")
    assert (shown.status, "Could not be loaded" in shown.text) == (200, True)
    assert "What to set up first" in shown.text


async def test_a_user_is_made_and_changed(admin: Browser) -> None:
    form = await admin.get("/admin/users")
    wrong = await admin.submit(form, "Create this user", email="nobody")
    assert (wrong.status, 'id="e-email"' in wrong.html) == (422, True)
    after = await admin.submit(
        form,
        "Create this user",
        email="new@acme.test",
        first_name="<b>New</b>",
        password="a good long one",
    )
    assert "new@acme.test is made" in after.text
    assert "<b>New" not in after.html
    one = await admin.get(after.links["new@acme.test"])
    done = await admin.submit(one, "Let them operate the installation")
    assert "operate no more" in done.text
    wrong = await admin.submit(done, "Remove this user", confirm="other")
    assert wrong.status == 422
    gone = await admin.submit(done, "Remove this user", confirm="new@acme.test")
    assert "new@acme.test is removed" in gone.text


async def test_users_are_looked_for_by_address_and_name(admin: Browser, owner: Browser) -> None:
    found = await admin.get("/admin/users?q=OWNER%40")
    mails = {one for one in found.links if "@" in one}
    assert mails == {"owner@acme.test"}
    assert "root@posthorn.test" in (await admin.get("/admin/users?q=lovelace")).links
    assert "Nobody found" in (await admin.get("/admin/users?q=%3Cb%3Enobody")).text
    assert (await admin.get(f"/admin/users?q={'a' * 10_000}")).status == 200


async def test_an_organization_is_suspended_with_a_reason_and_let_go_on(
    scene: Scene, admin: Browser
) -> None:
    form = await admin.get("/admin/organizations")
    assert (await admin.submit(form, "Hold all its mail", reason="")).status == 422
    after = await admin.submit(form, "Hold all its mail", reason="unpaid")
    assert "acme is suspended" in after.text
    assert (await scene.posthorn[Organizations].get("acme")).suspended_at
    undone = await admin.submit(after, "Undo")
    assert "acme goes on" in undone.text


async def test_a_way_out_is_added_suspended_and_removed(admin: Browser) -> None:
    form = await admin.get("/admin/sources")
    wrong = await admin.submit(form, "Add this source", name="relay", kind="smarthost")
    assert wrong.status == 422
    after = await admin.submit(
        form, "Add this source", name="relay", kind="smarthost", host="smtp.example.com"
    )
    assert "relay is added" in after.text
    assert "relay" in (await admin.get("/admin/pools")).text


async def test_a_pool_of_an_organization_that_is_gone_is_not_everybodys(
    scene: Scene, admin: Browser
) -> None:
    form = await admin.get("/admin/sources")
    await admin.submit(
        form,
        "Add this source",
        name="relay",
        pool="bulk",
        kind="smarthost",
        host="smtp.example.com",
    )
    other = await scene.posthorn[Organizations].create("Other")
    pools = await admin.get("/admin/pools")
    fields = next(
        one.fields
        for one in pools.forms
        if one.fields.get("pool") == ["bulk"] and "every" in one.fields
    )
    wanted: dict[str, str | list[str]] = {**fields, "organizations": "other"}
    both = await admin.post("/admin/pools", wanted)
    assert (both.status, "untick" in both.text) == (422, True)
    wanted.pop("every")
    assert "Forother" in (await admin.post("/admin/pools", wanted)).text
    await scene.posthorn[RemoveTenants].remove_organization(other)
    scene.clock.advance(60)
    pools = await admin.get("/admin/pools")
    assert "Fornone" in pools.text
    fields = next(
        one.fields
        for one in pools.forms
        if one.fields.get("pool") == ["bulk"] and "organizations" in one.fields
    )
    kept = await admin.post("/admin/pools", {**fields})
    assert "Fornone" in kept.text
    given = await admin.post("/admin/pools", {**fields, "every": "1"})
    assert (given.status, "Fornone" in given.text) == (200, False)


async def test_a_notice_stands_on_all_pages(admin: Browser, owner: Browser) -> None:
    form = await admin.get("/admin/settings")
    await admin.submit(form, "Save", notice="Maintenance <i>tonight</i>")
    shown = await owner.get("/org/acme")
    assert "Maintenance <i>tonight</i>" in shown.text
    assert "<i>tonight" not in shown.html


async def test_a_provider_of_sign_ins_is_set_changed_and_taken_off(admin: Browser) -> None:
    form = await admin.get("/admin/settings")
    assert "/auth/oidc/callback" in form.text
    given = {
        "oidc/name": "Acme <b>ID",
        "oidc/issuer": "https://id.acme.test",
        "oidc/client_id": "posthorn",
        "oidc/client_secret": "very secret",
        "oidc/create_domains": "acme.test",
    }
    after = await admin.submit(form, "Save this provider", **given)
    assert "People may sign in with Acme <b>ID" in after.text
    assert "<b>ID" not in after.html
    assert "very secret" not in after.html
    assert "Acme" in (await Browser(admin.program).get("/login")).text
    kept = await admin.submit(after, "Save this provider", **{"oidc/name": "Other"})
    assert kept.form("Save this provider").fields["oidc/create_domains"] == ["acme.test"]
    assert "Kept as it is" in kept.text
    gone = await admin.submit(kept, "Take no provider")
    assert "with their passwords alone" in gone.text
    assert not gone.has_button("Take no provider")


async def test_what_is_wrong_with_a_provider_stands_beside_its_field(admin: Browser) -> None:
    form = await admin.get("/admin/settings")
    hostile = '"><script>alert(1)</script>\u202e\x00'
    for name, value in (
        ("oidc/name", ""),
        ("oidc/issuer", "x" * 10_000),
        ("oidc/client_id", "x" * 10_000),
        ("oidc/scopes", hostile),
        ("oidc/create_domains", hostile),
    ):
        given = {"oidc/name": "A", "oidc/issuer": "https://id.acme.test", "oidc/client_id": "c"}
        shown = await admin.submit(form, "Save this provider", **given | {name: value})
        assert shown.status == 422, name
        assert f'id="e-{name.replace("/", "-")}"' in shown.html, name
        assert "<script>alert" not in shown.html
    assert not (await admin.get("/admin/settings")).has_button("Take no provider")


async def test_what_is_wrong_with_a_suspension_of_a_way_out_is_said_on_its_page(
    admin: Browser,
) -> None:
    form = await admin.get("/admin/sources")
    token = form.forms[-1].fields["csrf"]
    added = {"csrf": token, "name": "relay", "pool": "default", "kind": "direct"}
    await admin.post("/admin/sources", {**added, "address": "192.0.2.10"})
    for odd in ("soon", "-1", "9" * 5_000):
        wanted = {"csrf": token, "source": "relay", "pool": "default", "do": "suspend"}
        shown = await admin.post("/admin/sources/change", {**wanted, "seconds": odd})
        assert (shown.status, shown.path) == (200, "/admin/sources")
        assert "seconds" in shown.text
        assert "It is suspended" not in shown.text


async def test_a_way_out_is_changed(admin: Browser) -> None:
    form = await admin.get("/admin/sources")
    given = {"name": "relay", "kind": "smarthost", "host": "smtp.example.com", "password": "secret"}
    listed = await admin.submit(form, "Add this source", **given, username="me")
    form = await admin.get(listed.links["relay"])
    assert form.form("Save").fields["host"] == ["smtp.example.com"]
    assert "secret" not in form.html
    saved = await admin.submit(form, "Save", priority="7")
    assert "relay is changed" in saved.text
    other = {"host": "mail.example.com", "port": "2525"}
    asked = await admin.submit(form, "Save", **other)
    assert (asked.status, 'id="e-password"' in asked.html) == (422, True)
    saved = await admin.submit(form, "Save", **other, password="another", priority="7")
    assert "mail.example.com:2525" in saved.text
    again = (await admin.get(listed.links["relay"])).form("Save").fields
    assert (again["username"], again["priority"]) == (["me"], ["7"])
    hostile = '"><script>alert(1)</script>\u202e\x00'
    for name, value in (("port", "x"), ("host", hostile), ("priority", "9" * 30), ("tls", "?")):
        wrong = await admin.submit(form, "Save", **{name: value})
        assert (wrong.status, f'id="e-{name}"' in wrong.html) == (422, True), name
        assert "<script>alert" not in wrong.html
    assert (await admin.get("/admin/sources/nothing/edit")).status == 404


async def test_a_family_that_a_way_out_does_not_use_is_told_with_its_reason(
    scene: Scene, admin: Browser
) -> None:
    reason = "<b>isp.test, the reverse name of 2001:db8::7, does not lead back to it."
    source = EgressSource("out", address="192.0.2.7", address6="2001:db8::7", unused6=reason)
    await scene.posthorn[Repository].add(SOURCES, source)
    listed = await admin.get("/admin/sources")
    assert f"not by IPv6: {reason}" in listed.text
    shown = await admin.get(listed.links["out"])
    assert f"No mail leaves by IPv6: {reason}" in shown.text
    for page in (listed, shown):
        assert "IPv4:" not in page.text
        assert "<b>isp" not in page.html
    assert "out (not by IPv6)" in (await admin.get("/admin/pools")).text


async def test_a_listing_is_told_in_the_words_of_the_list_and_may_be_overruled(
    scene: Scene, admin: Browser
) -> None:
    words = "<script>alert(1)</script>\u202eevil"
    found = [Listing("bl.test", "192.0.2.7", words, 1_800_000_000)]
    source = with_listings(EgressSource("out", address="192.0.2.7"), found)
    source = replace(source, suspended_for="Listed by bl.test")
    await scene.posthorn[Repository].add(SOURCES, source)
    listed = await admin.get("/admin/sources")
    assert "Listed by bl.test, until that ends" in listed.text
    for page in (listed, await admin.get(listed.links["out"])):
        assert "192.0.2.7 is listed by bl.test" in page.text
        assert r"\u{202e}evil" in page.text
        assert "<script>alert" not in page.html
    await admin.submit(listed, "Use it again")
    (kept,) = [one for one in await scene.posthorn[Sources].of("default") if one.name == "out"]
    assert kept.suspended_for == ""


async def test_a_pool_whose_sources_are_all_suspended_fails_on_the_page(
    scene: Scene, admin: Browser
) -> None:
    assert "Every source" not in (await admin.get("/admin/health")).text
    (only,) = await scene.posthorn[Sources].of("default")
    await scene.posthorn[Sources].suspend(only, 600)
    await scene.posthorn[CheckInstallation].run()
    shown = (await admin.get("/admin/health")).text
    told = "Every source of the pool default is suspended, and its mail waits"
    assert told in shown
    assert "failing since" in shown.partition(told)[2]
    scene.clock.advance(601)
    await scene.posthorn[CheckInstallation].run()
    assert told not in (await admin.get("/admin/health")).text


async def test_the_sign_in_names_what_makes_the_first_account(admin: Browser) -> None:
    shown = await Browser(admin.program).get("/login")
    assert "posthorn user create --admin" in shown.text


async def test_checks_have_their_names_as_people_write_them(
    admin: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib.web.asking import Asking

    ask = Asking.ask
    since = "2027-01-15T08:00:00.000Z"
    known = [
        {"check": "dns", "status": "warning", "detail": None, "since": since},
        {"check": "dead_letters", "status": "ok", "detail": None, "since": since},
    ]

    async def told(self: Asking, method: str, path: str, **more: object) -> object:
        if path == "/installation/checks":
            return {"data": known}
        return await ask(self, method, path, **more)

    monkeypatch.setattr(Asking, "ask", told)
    shown = await admin.get("/admin/health")
    assert "DNS" in shown.text
    assert "Dead letters" in shown.text
    assert "worth a look since" in shown.text
