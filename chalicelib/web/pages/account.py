"""What one has for oneself: names and looks, what proves one, sessions, and the keys that one made."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote

from chalicelib.api.http import HttpAnswer
from chalicelib.web.answers import also
from chalicelib.web.asking import Problem
from chalicelib.web.cookies import THEME
from chalicelib.web.page import Page
from chalicelib.web.pages.sign_in import THEME_SECONDS, return_to
from chalicelib.web.programs import program_words
from chalicelib.web.qr_code import qr_code
from chalicelib.web.row import Row

PATH = "/settings"
SECURITY = "/settings/security"
LISTED = {"limit": 100}
LONGEST_CALLED = 60


async def show_account(page: Page) -> HttpAnswer:
    """Names, zone, and how pages are."""
    return page.render("account.html", me=await _me(page))


async def change_account(page: Page) -> HttpAnswer:
    """Change them."""
    form = page.form
    form.require("first_name", "last_name", "time_zone")
    change = {
        "first_name": form.text("first_name"),
        "last_name": form.text("last_name"),
        "time_zone": form.text("time_zone"),
        "preferences": {
            "shortcuts": form.has("shortcuts"),
            "newest_first": form.has("newest_first"),
        },
    }
    return await _changed(page, "account.html", change, PATH, "Saved")


async def change_theme(page: Page) -> HttpAnswer:
    """Change the colours, and stay on the page."""
    theme = page.form.text("theme")
    changed = {"preferences": {"theme": theme}}
    answer = await _changed(page, "account.html", changed, return_to(page) or PATH, None)
    if answer.status != 303:
        return answer
    return also(answer, page.cookies.set(THEME, theme, THEME_SECONDS))


async def show_security(page: Page) -> HttpAnswer:
    """What proves one."""
    return page.render("security.html", **await _factors(page))


async def change_password(page: Page) -> HttpAnswer:
    """Take another password."""
    form = page.form
    change = {
        "password": form.raw("password"),
        "current_password": form.raw("current_password"),
    }
    said = "Your password is changed, and your other sessions have ended"
    return await _changed(page, "security.html", change, SECURITY, said)


async def change_email(page: Page) -> HttpAnswer:
    """Ask for another address, which a link that is mailed to it makes yours."""
    form = page.form
    email = form.text("email")
    change = {"email": email, "current_password": form.raw("current_password")}
    said = f"Follow the link that is mailed to {email}. Until then your address stays"
    return await _changed(page, "security.html", change, SECURITY, said, wrong="email")


async def begin_totp(page: Page) -> HttpAnswer:
    """Show the seed that an app is to take."""
    seed = await page.ask("POST", "/me/totp", body={})
    return page.render("totp.html", seed=seed, drawn=qr_code(seed["uri"]))


async def confirm_totp(page: Page) -> HttpAnswer:
    """Switch codes on, by one that the app made."""
    seed = {"secret": page.form.text("secret"), "uri": page.form.text("uri")}
    try:
        done = await page.ask("PUT", "/me/totp", body={"code": _code(page)})
    except Problem as problem:
        if not problem.errors:
            raise
        return page.again("totp.html", problem, seed=seed, drawn=qr_code(seed["uri"]))
    return _with_codes(page, done, "Codes from your app are your second factor now")


async def end_totp(page: Page) -> HttpAnswer:
    """Switch them off."""
    try:
        await page.ask("DELETE", "/me/totp", body={"code": _code(page)})
    except Problem as problem:
        if not problem.errors:
            raise
        return page.again("security.html", problem, **await _factors(page))
    return page.see_other(SECURITY, "Codes are switched off")


async def make_recovery_codes(page: Page) -> HttpAnswer:
    """Make ten others."""
    done = await page.ask("POST", "/me/recovery-codes", body={})
    return _with_codes(page, done, "")


async def begin_passkey(page: Page) -> HttpAnswer:
    """Ask the browser for a passkey, which is called by it unless somebody says otherwise."""
    return page.render("passkey.html", **await _passkey_to_make(page))


async def add_passkey(page: Page) -> HttpAnswer:
    """Keep the passkey that the browser made."""
    form = page.form
    credential = form.json_object("credential")
    body = {"ticket": form.text("ticket"), "credential": credential, "name": form.text("name")}
    try:
        done = await page.ask("POST", "/me/passkeys", body=body)
    except Problem as problem:
        if not problem.errors:
            raise
        return page.again("passkey.html", problem, **await _passkey_to_make(page))
    return _with_codes(page, done, "The passkey is added")


async def remove_passkey(page: Page) -> HttpAnswer:
    """Remove a passkey."""
    await page.ask("DELETE", f"/me/passkeys/{quote(page.form.text('passkey'), safe='')}")
    return page.see_other(SECURITY, "The passkey is removed")


async def show_sessions(page: Page) -> HttpAnswer:
    """Where one has signed in."""
    query = {"limit": 30, "cursor": page.query("cursor")}
    return page.render("sessions.html", found=await page.ask("GET", "/me/sessions", query=query))


async def end_session(page: Page) -> HttpAnswer:
    """End one session, or all others."""
    wanted = page.form.text("session")
    path = f"/me/sessions/{quote(wanted, safe='')}" if wanted else "/me/sessions"
    await page.ask("DELETE", path)
    return page.see_other(
        f"{PATH}/sessions", "The session has ended" if wanted else "All others have ended"
    )


async def show_tokens(page: Page) -> HttpAnswer:
    """The management keys that one made, in each organization where one may see them."""
    organizations = (await page.ask("GET", "/organizations", query=LISTED))["data"][:20]
    lists = await asyncio.gather(
        *(
            page.ask_or(None, "GET", "/keys", tenant=one["permalink"], query=LISTED)
            for one in organizations
        )
    )
    email = "" if page.person is None else page.person.user.email
    mine = [
        (one["permalink"], key)
        for one, found in zip(organizations, lists, strict=True)
        for key in (found or {"data": ()})["data"]
        if key["created_by"] == email
    ]
    return page.render("tokens.html", mine=mine)


async def _me(page: Page) -> Any:
    return await page.ask("GET", "/me")


async def _factors(page: Page) -> dict[str, Any]:
    me, passkeys = await asyncio.gather(
        _me(page), page.ask_or(None, "GET", "/me/passkeys", query=LISTED)
    )
    return {"me": me, "passkeys": (passkeys or {"data": ()})["data"], "wrong": ""}


async def _passkey_to_make(page: Page) -> dict[str, Any]:
    asked = await page.ask("POST", "/me/passkeys", body={})
    called = program_words(page.request.headers.get("user-agent", ""))
    return {
        "ticket": asked["ticket"],
        "options": asked["options"],
        "called": called[:LONGEST_CALLED],
    }


async def _changed(
    page: Page,
    template: str,
    change: dict[str, Any],
    where: str,
    said: str | None,
    wrong: str = "",
) -> HttpAnswer:
    try:
        await page.ask("PATCH", "/me", body=change)
    except Problem as problem:
        if not problem.errors:
            raise
        return page.again(template, problem, **{**await _factors(page), "wrong": wrong})
    return page.see_other(where, said)


def _with_codes(page: Page, done: Any, said: str) -> HttpAnswer:
    codes = (done or {}).get("recovery_codes")
    if codes:
        return page.render("recovery_codes.html", codes=codes, said=said)
    return page.see_other(SECURITY, said)


def _code(page: Page) -> str:
    return page.form.text("code").replace(" ", "")


ROWS = (
    Row("GET", PATH, show_account, "", ("showMe",)),
    Row("POST", PATH, change_account, "", ("changeMe",)),
    Row("POST", f"{PATH}/theme", change_theme, "", ("changeMe",)),
    Row("GET", SECURITY, show_security, "", ("showMe", "listPasskeys")),
    Row("POST", f"{SECURITY}/password", change_password, "", ("changeMe",)),
    Row("POST", f"{SECURITY}/email", change_email, "", ("changeMe",)),
    Row("POST", f"{SECURITY}/totp", begin_totp, "", ("beginTotp",)),
    Row("POST", f"{SECURITY}/totp/confirm", confirm_totp, "", ("enableTotp",)),
    Row("POST", f"{SECURITY}/totp/end", end_totp, "", ("disableTotp",)),
    Row("POST", f"{SECURITY}/codes", make_recovery_codes, "", ("renewRecoveryCodes",)),
    Row("POST", f"{SECURITY}/passkeys", begin_passkey, "", ("createPasskey",)),
    Row("POST", f"{SECURITY}/passkeys/add", add_passkey, "", ("createPasskey",)),
    Row("POST", f"{SECURITY}/passkeys/remove", remove_passkey, "", ("removePasskey",)),
    Row("GET", f"{PATH}/sessions", show_sessions, "", ("listMySessions",)),
    Row("POST", f"{PATH}/sessions", end_session, "", ("endMySession", "endMyOtherSessions")),
    Row("GET", f"{PATH}/tokens", show_tokens, "", ("listOrganizations", "listKeys")),
)
