"""Routes and endpoints: trying an address, the forms, simulated mail, what deleting an endpoint asks, and who may."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.web.pages.routes import conditions_of
from tests.page_browser import Browser, Shown
from tests.web.offered import offered
from tests.worlds import Scene

ROUTES = "/org/acme/servers/app/routes"
ENDPOINTS = "/org/acme/servers/app/endpoints"
HOSTILE = '"><script>alert(1)</script>\u202e'


async def route(browser: Browser, name: str = "support", **values: Any) -> Shown:
    form = await browser.get(f"{ROUTES}/new")
    return await browser.submit(form, "Add route", **{"name": name, "mode": "Accept", **values})


async def endpoint(browser: Browser, kind: str = "http", **values: Any) -> Shown:
    form = await browser.get(f"{ENDPOINTS}/new?type={kind}")
    given = {"name": "Desk", "url": "https://desk.acme.test/in"} if kind == "http" else {}
    return await browser.submit(form, "Add endpoint", **{**given, **values})


def id_of(shown: Shown, base: str = ENDPOINTS) -> str:
    found = re.search(rf'href="({base}/(?!new)[^"?/]+)"', shown.html)
    assert found is not None
    return found[1]


async def test_without_a_route_the_page_says_what_one_does(owner: Browser) -> None:
    assert "No route yet" in (await owner.get(ROUTES)).text
    assert "No endpoint yet" in (await owner.get(ENDPOINTS)).text


async def test_a_route_is_added_changed_and_deleted(owner: Browser) -> None:
    shown = await route(owner)
    assert "Mail to support@acme.test takes this route" in shown.text
    assert "Accepted and kept" in shown.text
    where = shown.links["support@acme.test"]
    form = await owner.get(where)
    saved = await owner.submit(
        form, "Save", mode="Hold", priority="5", conditions="subject: *invoice*\nheader:List-Id: *"
    )
    for words in ("Held", "priority 5", "subject is *invoice*", "header:List-Id is *"):
        assert words in saved.text
    again = (await owner.get(where)).form("Save")
    assert again.fields["conditions"] == ["subject: *invoice*\nheader:List-Id: *"]
    gone = await owner.submit(await owner.get(f"{where}/delete"), "Delete this route")
    assert "The route is deleted" in gone.text
    assert (await owner.get(where)).status == 404
    assert (await owner.get(f"{where}/delete")).status == 404


async def test_an_address_is_tried_and_nothing_is_sent(owner: Browser) -> None:
    await route(owner)
    shown = await owner.get(f"{ROUTES}?to=support%2Bx@acme.test")
    assert "support@acme.test takes it: accepted and kept" in shown.text
    assert "Takes it" in shown.text
    assert "250" in shown.text
    nobody = await owner.get(f"{ROUTES}?to=nobody@acme.test")
    assert "No route takes it" in nobody.text
    assert "Another name" in nobody.text
    wrong = await owner.get(f"{ROUTES}?to={'x' * 2_000}")
    assert wrong.status == 422
    assert 'id="e-to"' in wrong.html


PASTED = (
    "Return-Path: <ann@example.com>\r\nSubject: =?utf-8?q?Invoice_=C3=BC?=\r\n"
    "List-Id: <news\r\n .example.com>\r\n\r\nSubject: not this\r\n"
)


async def test_a_spam_score_says_what_becomes_of_it(owner: Browser) -> None:
    await route(owner, spam_mode="Quarantine")
    for score, words in (
        ("1", "With this score it is no spam"),
        ("7,5", "With this score it is spam, and held"),
        ("99", "With this score it is spam, and refused"),
    ):
        shown = await owner.get(f"{ROUTES}?to=support@acme.test&spam_score={score}")
        assert words in shown.text, score
    for wrong in ("nan", "inf", "much", "1e9", "%3Cscript%3E", "9" * 10_000):
        shown = await owner.get(f"{ROUTES}?to=support@acme.test&spam_score={wrong}")
        assert (shown.status, 'id="e-spam_score"' in shown.html) == (422, True), wrong


async def test_a_pasted_message_is_tried_and_can_come_in(owner: Browser) -> None:
    await route(owner, conditions="subject: *invoice ü*\nheader:List-Id: *news*\nfrom: ann@*")
    form = await owner.get(ROUTES)
    values = {"to": "support@acme.test", "message": PASTED}
    shown = await owner.submit(form, "Try this message", **values)
    assert "support@acme.test takes it" in shown.text
    assert "not this" in shown.form("Try this message").fields["message"][0]
    other = await owner.submit(form, "Try this message", **{**values, "message": "Subject: x\n\n"})
    assert "No route takes it" in other.text
    came = await owner.submit(form, "Simulate this message", **values)
    assert re.fullmatch(r"/org/acme/servers/app/messages/\d+", came.path)
    assert "The message came in by this route" in came.text
    assert "Invoice ü" in came.text
    none = await owner.submit(form, "Simulate this message", to="nobody@acme.test", message="x")
    assert (none.status, "No route takes it" in none.text) == (200, True)


async def test_any_text_can_be_pasted(owner: Browser) -> None:
    await route(owner)
    form = await owner.get(ROUTES)
    for text in (
        "",
        HOSTILE,
        "\x00\ufffe\n" * 500,
        "A: b\n " * 9_000,
        ":" * 60_000,
        "=?utf-8?b?" * 5_000,
    ):
        shown = await owner.submit(form, "Try this message", to="support@acme.test", message=text)
        assert shown.status in (200, 422), text[:20]
        assert "<script>alert" not in shown.html
    for to in ("", HOSTILE, "x" * 10_000):
        assert (await owner.submit(form, "Try this message", to=to, message="x")).status == 422
        assert (await owner.submit(form, "Simulate this message", to=to)).status == 422


async def test_a_message_is_simulated_and_shown(owner: Browser) -> None:
    shown = await route(owner)
    form = await owner.get(shown.links["support@acme.test"])
    sent = await owner.submit(form, "Simulate it", **{"from": "ann@example.com", "subject": "Hi"})
    assert re.fullmatch(r"/org/acme/servers/app/messages/\d+", sent.path)
    assert "A message came in by this route" in sent.text
    wrong = await owner.submit(form, "Simulate it", **{"from": HOSTILE})
    assert wrong.status == 422
    assert "<script>alert" not in wrong.html
    assert wrong.form("Save").fields["name"] == ["support"]


async def test_what_is_wrong_with_a_route_stands_beside_its_field(owner: Browser) -> None:
    for values, field in (
        ({"name": ""}, "name"),
        ({"name": HOSTILE}, "name"),
        ({"name": "x" * 10_000}, "name"),
        ({"priority": "first"}, "priority"),
        ({"conditions": "moon: full"}, "conditions"),
        ({"mode": "Endpoint", "endpoint": ""}, "endpoint"),
        ({"mode": "Endpoint", "endpoint": "enunknown"}, "endpoint"),
        ({"domain": "unknown.example"}, "domain"),
    ):
        shown = await route(owner, **values)
        assert shown.status == 422, values
        assert f"#f-{field}" in shown.html, values
        assert "<script>alert" not in shown.html
    taken = await route(owner)
    assert taken.status == 200
    assert (await route(owner)).status == 422


async def test_a_web_application_is_added_with_a_secret_that_is_shown_once(owner: Browser) -> None:
    shown = await endpoint(owner)
    secret = re.search(r"<code>(whsec_[^<]+)</code>", shown.html)
    assert secret is not None
    where = (await owner.get(ENDPOINTS)).links["Desk"]
    page = await owner.get(where)
    assert secret[1] not in page.html
    assert "None that is kept" in page.text
    tested = await owner.submit(page, "Send a sample")
    assert "The sample was sent" in tested.text
    saved = await owner.submit(await owner.get(f"{where}/edit"), "Save", name="Front desk")
    assert "Front desk" in saved.text
    assert "signs for 24 hours more" in (await owner.submit(saved, "Roll the secret")).text
    off = await owner.submit(saved, "Turn off")
    assert "Mail for it is held" in off.text
    assert "Working" in (await owner.submit(off, "Undo")).text


async def test_other_types_have_their_own_fields(owner: Browser) -> None:
    smtp = await endpoint(owner, "smtp", name="Relay", hostname="mx.example.com", port="2525")
    assert "Endpoint added" in smtp.text
    assert "2525" in smtp.text
    forward = await endpoint(owner, "address", address="desk@example.com")
    assert "desk@example.com" in forward.text
    assert not forward.has_button("Send a sample")
    wrong = await endpoint(owner, "smtp", name="Relay 2", hostname="mx.example.com", port="many")
    assert wrong.status == 422
    assert 'id="e-port"' in wrong.html
    private = await endpoint(owner, url="http://127.0.0.1/")
    assert private.status == 422
    assert 'id="e-url"' in private.html


async def test_deleting_an_endpoint_asks_what_its_routes_shall_do(owner: Browser) -> None:
    await endpoint(owner)
    await endpoint(owner, name="Other")
    listed = await owner.get(ENDPOINTS)
    desk, other = listed.links["Desk"], listed.links["Other"]
    for name in ("one", "two"):
        await route(owner, name, mode="Endpoint", endpoint=desk.rpartition("/")[2])
    asked = await owner.get(f"{desk}/delete")
    assert "2 routes send to it" in asked.text
    assert "one@acme.test" in asked.text
    gone = await owner.submit(asked, "Delete this endpoint", instead=other.rpartition("/")[2])
    assert "The endpoint is deleted" in gone.text
    assert (await owner.get(ROUTES)).text.count("Other") == 2
    held = await owner.submit(
        await owner.get(f"{other}/delete"), "Delete this endpoint", instead="Hold"
    )
    assert "The endpoint is deleted" in held.text
    assert (await owner.get(ROUTES)).text.count("Held") == 3  # one in the side bar
    for path in ("", "/edit", "/delete"):
        assert (await owner.get(other + path)).status == 404


async def test_a_viewer_sees_routes_and_changes_nothing(owner: Browser, viewer: Browser) -> None:
    await endpoint(owner)
    where = (await owner.get(ENDPOINTS)).links["Desk"]
    made = (await route(owner)).links["support@acme.test"]
    shown = await viewer.get(ROUTES)
    assert "support@acme.test" in shown.text
    assert offered(shown) == {"Try it", "Try this message"}
    assert offered(await viewer.get(ENDPOINTS)) == set()
    assert offered(await viewer.get(where)) == set()
    token = next(form.fields["csrf"][0] for form in shown.forms if "csrf" in form.fields)
    for path in (
        made,
        f"{made}/delete",
        f"{ROUTES}/new",
        f"{ENDPOINTS}/new",
        f"{where}/edit",
        f"{where}/delete",
    ):
        assert (await viewer.get(path)).status == 403, path
    for path in (
        ROUTES,
        made,
        f"{made}/delete",
        f"{made}/simulate",
        ENDPOINTS,
        where,
        f"{where}/test",
        f"{where}/enable",
        f"{where}/disable",
        f"{where}/rotate",
        f"{where}/delete",
    ):
        assert (await viewer.post(path, {"csrf": token})).status == 403, path


async def test_parts_that_cannot_be_had_leave_the_routes(
    owner: Browser, broken: Callable[..., None]
) -> None:
    await endpoint(owner)
    where = (await owner.get(ENDPOINTS)).links["Desk"]
    await route(owner, mode="Endpoint", endpoint=where.rpartition("/")[2])
    broken("/statistics", "/emails", "/domains")
    assert "support@acme.test" in (await owner.get(ROUTES)).text
    assert "Could not be loaded" in (await owner.get(where)).text
    assert "could not be loaded" in (await owner.get(f"{ROUTES}/new")).text
    broken("/endpoints")
    assert "its endpoint" in (await owner.get(ROUTES)).text


async def test_a_route_keeps_endpoints_that_cannot_be_loaded(
    owner: Browser, broken: Callable[..., None]
) -> None:
    ids = []
    for name in ("Desk", "Log"):
        await endpoint(owner, name=name)
        ids.append((await owner.get(ENDPOINTS)).links[name].rpartition("/")[2])
    shown = await route(owner, mode="Endpoint", endpoint=ids[0], additional_endpoints=[ids[1]])
    where = shown.links["support@acme.test"]
    broken("/endpoints")
    form = await owner.get(where)
    assert "could not be loaded" in form.text
    assert "Saved" in (await owner.submit(form, "Save", priority="5")).text
    held = (await owner.get(where)).form("Save").fields
    assert (held["endpoint"], held["additional_endpoints"]) == ([ids[0]], [ids[1]])
    assert held["priority"] == ["5"]


async def test_a_route_keeps_an_endpoint_that_stands_far_down(owner: Browser) -> None:
    await endpoint(owner, name="First of all")
    first = (await owner.get(ENDPOINTS)).links["First of all"].rpartition("/")[2]
    shown = await route(owner, mode="Endpoint", endpoint=first)
    form = await owner.get(f"{ENDPOINTS}/new?type=address")
    for at in range(101):
        await owner.submit(form, "Add endpoint", address=f"a{at}@example.com")
    page = await owner.get(shown.links["support@acme.test"])
    assert "First of all" in page.text
    assert page.form("Save").fields["endpoint"] == [first]


async def test_many_routes_are_a_page_of_them(scene: Scene, owner: Browser) -> None:
    form = await owner.get(f"{ROUTES}/new")
    again = await owner.get(f"{ENDPOINTS}/new?type=address")
    for at in range(31):
        await owner.submit(form, "Add route", name=f"r{at}", mode="Hold")
        await owner.submit(again, "Add endpoint", address=f"a{at}@example.com", once=f"once{at}")
    for path, words in ((ROUTES, "30 routes"), (ENDPOINTS, "30 endpoints")):
        shown = await owner.get(path)
        assert words in shown.text
        assert shown.nodes < 1_500
        assert (await owner.get(shown.links["Older"])).status == 200


@pytest.mark.parametrize(
    ("text", "field", "matches"),
    [
        ("subject: *a: b*", "subject", "*a: b*"),
        ("  header:X-A: b ", "header:X-A", "b"),
        ("Header:X", "Header:X", ""),
        ("from", "from", ""),
    ],
)
def test_conditions_are_read_line_by_line(text: str, field: str, matches: str) -> None:
    assert conditions_of(f"\n{text}\n\n") == [{"field": field, "matches": matches}]
