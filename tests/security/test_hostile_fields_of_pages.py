"""Every field of every form that an operator finds, with what nobody should send: a page says what to change, no error
of ours, and nothing of it becomes markup, a header field or a way to another site.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote_plus, urlsplit

import pytest

from chalicelib import bootstrap
from chalicelib.config import Settings
from chalicelib.web.routes import find
from tests.filled_tenant import FilledTenant
from tests.http_api import ApiWorld
from tests.page_browser import Browser, SentForm, Shown, signed_in
from tests.site_map import site_map
from tests.worlds import make_scene

STARTS = ("/settings", "/org/acme", "/org/acme/servers/app", "/admin")
MARKUP = '"><script>alert(1)</script>\u202e'
HOSTILE = {
    "markup": MARKUP.encode(),
    "controls": b"a\x00b\r\nX-Evil: 1\r\n\xed\xa0\x80\xff",
    "long": b"x" * 10_000,
    "a digit to Python alone": "²".encode(),
    "more digits than int takes": b"9" * 5_000,
    "deep": b"[" * 3_000,
}
# What it is about goes with these, or whoever asks is signed out.
ENDING = ("/delete", "/remove", "/revoke", "/logout", "/suspend", "/sessions")
KEPT = ("csrf", "require_second_factor")
KIND = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="module")
def operator() -> Iterator[Browser]:
    """The browser of an operator, in a program with something on every page."""
    scene = bootstrap.run(make_scene(Settings(web_url="http://localhost:8080")))
    bootstrap.use(scene.posthorn)
    try:
        FilledTenant(ApiWorld(scene)).fill()
        yield bootstrap.run(signed_in(scene.posthorn, "root@posthorn.test", None, admin=True))
    finally:
        bootstrap.use(None)


@pytest.fixture(scope="module")
def forms(operator: Browser) -> dict[str, SentForm]:
    """Each form by the pattern of where it is sent."""
    found: dict[str, SentForm] = {}
    for address in bootstrap.run(site_map(operator, *STARTS)).values():
        for form in bootstrap.run(operator.get(address)).forms:
            path = urlsplit(form.action or address).path
            row, _ = find("POST", path) or (None, {})
            if form.method == "post" and row is not None and not path.endswith(ENDING):
                found.setdefault(f"{row.pattern} {sorted(form.fields)}", form)
                form.action = path
    return found


def sent(browser: Browser, form: SentForm, field: str, value: bytes) -> Shown:
    pairs = [(name, one.encode()) for name, held in form.fields.items() for one in held]
    pairs = [one for one in pairs if one[0] != field] + [(field, value)]
    body = "&".join(f"{quote_plus(name)}={quote_plus(one)}" for name, one in pairs)
    return bootstrap.run(browser.ask("POST", form.action, body.encode(), KIND))


@pytest.mark.parametrize("what", HOSTILE)
def test_no_field_breaks_a_page(operator: Browser, forms: dict[str, SentForm], what: str) -> None:
    assert len(forms) > 50
    wrong = []
    for form in forms.values():
        for field in sorted({*form.fields, *(name for _, name, _ in form.buttons if name)}):
            if field in KEPT:
                continue
            shown = sent(operator, form, field, HOSTILE[what])
            led = shown.answer.headers.get("Location", "/")
            is_odd = "\r" in led or not led.startswith("/") or led.startswith(("//", "/\\"))
            if shown.status == 500 or is_odd or "<script>alert" in shown.html:
                wrong.append(f"{form.action} {field}: {shown.status} {led}")
    assert not wrong, "\n".join(wrong)


def test_without_its_token_no_form_does_anything(
    operator: Browser, forms: dict[str, SentForm]
) -> None:
    for form in forms.values():
        for token in (b"", b"x" * 40, b"\xff"):
            shown = sent(operator, form, "csrf", token)
            assert shown.status == 403, (form.action, token, shown.text[-300:])


@pytest.mark.parametrize("header", ["referer", "origin", "cookie", "host", "sec-fetch-site"])
@pytest.mark.parametrize("value", ["http://[", "//[::1", "\u202e<script>", "=;=;posthorn", ""])
def test_no_header_field_breaks_a_page(operator: Browser, header: str, value: str) -> None:
    for method in ("GET", "POST"):
        for address in ("/login", "/confirm", "/org/acme/servers/app/keys", "/settings/security"):
            shown = bootstrap.run(operator.ask(method, address, b"csrf=x", {**KIND, header: value}))
            assert shown.status != 500, (method, address)
            assert "<script>" not in shown.html
