"""Signing in and out: by address and password, then a second factor where there is one; and showing it once more.

What is asked for between two pages lies for five minutes in a cookie of its own. Afterwards one is led to `return_to`,
which is a page of ours.
"""

from __future__ import annotations

import asyncio
from typing import Any

from chalicelib.api.by_provider import is_first_run, ways
from chalicelib.api.http import HttpAnswer
from chalicelib.web.answers import also
from chalicelib.web.asked_factor import packed, unpacked
from chalicelib.web.asking import Problem, value_of
from chalicelib.web.cookies import ASKED, THEME
from chalicelib.web.flash import Flash
from chalicelib.web.page import Page
from chalicelib.web.row import Row

TICKET_SECONDS = 300
THEME_SECONDS = 31_536_000
CLEARED = '"cache", "storage"'
TOO_LATE = "That took too long. Sign in once more"
NOT_SHOWN = "This was not right, or it came too late. Try again, or start again below"
_CODES = ("totp", "recovery_code", "passkey", "password")


async def show_sign_in(page: Page) -> HttpAnswer:
    """The form to sign in; who has done so already goes on."""
    if page.person is not None:
        return page.see_other(return_to(page) or "/")
    known, is_first = await asyncio.gather(ways(page.program), is_first_run(page.program))
    return page.render("login.html", return_to=return_to(page), ways=known, is_first=is_first)


async def sign_in(page: Page) -> HttpAnswer:
    """Sign in by address and password."""
    form = page.form
    body = {
        "email": form.text("email"),
        "password": form.raw("password"),
        "remember": form.has("remember"),
    }
    answer = await page.asking.answer("POST", "/sessions", body=body)
    try:
        return opened(page, answer)
    except Problem as problem:
        if problem.code == "second_factor_required":
            asked = page.cookies.set(ASKED, packed(problem.told), TICKET_SECONDS)
            return also(page.see_other("/login/second", return_to=return_to(page)), asked)
        return again(page, "login.html", problem, answer, ways=await ways(page.program))


async def show_second(page: Page) -> HttpAnswer:
    """The second page of signing in."""
    asked = unpacked(page.cookies.get(ASKED))
    if not asked:
        return page.see_other("/login", return_to=return_to(page))
    return page.render("second.html", asked=asked, return_to=return_to(page))


async def sign_in_second(page: Page) -> HttpAnswer:
    """Show the second factor."""
    asked = unpacked(page.cookies.get(ASKED))
    if not asked:
        return page.see_other("/login", Flash(TOO_LATE, "late"), return_to=return_to(page))
    body = {"ticket": asked["ticket"], **shown_factor(page)}
    answer = await page.asking.answer("POST", "/sessions", body=body)
    try:
        return opened(page, answer)
    except Problem as problem:
        if problem.code == "unauthenticated":
            problem = Problem(problem.status, {**problem.told, "detail": NOT_SHOWN})
        return again(page, "second.html", problem, answer, asked=asked)


async def sign_out(page: Page) -> HttpAnswer:
    """End the session of this browser."""
    answer = await page.asking.answer("DELETE", "/session")
    value_of(answer)
    left = page.see_other("/login", "You are signed out")
    return also(left, answer.headers["Set-Cookie"], Clear_Site_Data=CLEARED)


async def show_confirm(page: Page) -> HttpAnswer:
    """What one shows once more, before something that matters."""
    asked = unpacked(page.cookies.get(ASKED)) or _always(page)
    return page.render("confirm.html", asked=asked, return_to=return_to(page))


async def confirm(page: Page) -> HttpAnswer:
    """Show once more who one is; it counts for ten minutes."""
    asked = unpacked(page.cookies.get(ASKED)) or _always(page)
    body = shown_factor(page)
    if "passkey" in body:
        body["ticket"] = asked.get("ticket", "")
    answer = await page.asking.answer("POST", "/session/confirm", body=body)
    try:
        value_of(answer)
    except Problem as problem:
        return again(page, "confirm.html", problem, answer, asked=asked)
    said = "Thank you. Now do it once more: for ten minutes you are not asked again"
    return also(page.see_other(return_to(page) or "/", said), page.cookies.ended(ASKED))


def _always(page: Page) -> dict[str, Any]:
    """How somebody can confirm who was asked too long ago: what needs no ticket."""
    is_by_provider = page.person is not None and page.person.user.oidc_issuer
    return {"methods": ["oidc" if is_by_provider else "password"]}


def return_to(page: Page) -> str:
    """Where to go afterwards: a page of ours, or nothing."""
    wanted = page.form.raw("return_to") or page.query("return_to")
    return wanted if wanted and page.is_ours(wanted) else ""


def opened(page: Page, answer: HttpAnswer) -> HttpAnswer:
    """On, with the session that was opened. Problem."""
    session = value_of(answer)
    theme = session["user"].get("preferences", {}).get("theme")
    kept = (page.cookies.set(THEME, theme, THEME_SECONDS),) if theme else ()
    led = page.see_other(return_to(page) or "/")
    return also(led, answer.headers["Set-Cookie"], page.cookies.ended(ASKED), *kept)


def again(
    page: Page, template: str, problem: Problem, answer: HttpAnswer, **values: Any
) -> HttpAnswer:
    """The form once more; of one that was sent too often, after which time."""
    wait = answer.headers.get("Retry-After", "") if problem.status == 429 else ""
    status = 429 if wait else 422
    more = {"return_to": return_to(page), "wait": int(wait or 0), **values}
    return page.render(template, status, problem=problem, **more)


def shown_factor(page: Page) -> dict[str, Any]:
    """What a form shows: the one of the fields that has something."""
    for name in _CODES:
        said = page.form.raw("credential" if name == "passkey" else name).strip(
            "" if name == "password" else " "
        )
        if said and name == "passkey":
            return {"passkey": page.form.json_object("credential")}
        if said:
            return {name: said.replace(" ", "") if name != "password" else said}
    return {"totp": ""}


ROWS = (
    Row("GET", "/login", show_sign_in, is_public=True),
    Row("POST", "/login", sign_in, "", ("openSession",), is_public=True),
    Row("GET", "/login/second", show_second, is_public=True),
    Row("POST", "/login/second", sign_in_second, "", ("openSession",), is_public=True),
    Row("POST", "/logout", sign_out, "", ("endSession",)),
    Row("GET", "/confirm", show_confirm),
    Row("POST", "/confirm", confirm, "", ("confirmSession",)),
)
