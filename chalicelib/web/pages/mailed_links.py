"""Where links in mail lead: another password, another address, an invitation. GET shows a form, and its POST acts."""

from __future__ import annotations

from urllib.parse import quote

from chalicelib.api.by_provider import ways
from chalicelib.api.http import HttpAnswer
from chalicelib.web.asking import Problem, value_of
from chalicelib.web.page import Page
from chalicelib.web.pages.sign_in import again, opened
from chalicelib.web.row import Row

ENDED = "This link has ended, or was used already"


async def show_reset(page: Page) -> HttpAnswer:
    """Who has forgotten the password."""
    return page.render("reset.html")


async def ask_reset(page: Page) -> HttpAnswer:
    """Mail a link to choose another password."""
    email = page.form.text("email")
    answer = await page.asking.answer("POST", "/password-resets", body={"email": email})
    try:
        value_of(answer)
    except Problem as problem:
        return again(page, "reset.html", problem, answer)
    said = "If this address has an account here, a link is on its way. It works for a day"
    return page.see_other("/login", said)


async def show_new_password(page: Page) -> HttpAnswer:
    """The form for another password."""
    return page.render("new_password.html")


async def choose_password(page: Page) -> HttpAnswer:
    """Choose another password."""
    path = f"/password-resets/{quote(page.values['token'], safe='')}"
    answer = await page.asking.answer("PUT", path, body={"password": page.form.raw("password")})
    try:
        value_of(answer)
    except Problem as problem:
        return _ended(page, problem) or again(page, "new_password.html", problem, answer)
    return page.see_other("/login", "Your password is changed, and all your sessions have ended")


async def show_new_address(page: Page) -> HttpAnswer:
    """The form for another address."""
    return page.render("new_address.html")


async def take_address(page: Page) -> HttpAnswer:
    """Take another address."""
    path = f"/email-changes/{quote(page.values['token'], safe='')}"
    answer = await page.asking.answer("PUT", path, body={})
    try:
        value_of(answer)
    except Problem as problem:
        return _ended(page, problem) or again(page, "new_address.html", problem, answer)
    return page.see_other("/login", "This is your address now. Sign in with it")


async def show_invitation(page: Page) -> HttpAnswer:
    """What an invitation offers."""
    try:
        offer = await page.ask("GET", _invitation(page), tenant=None)
    except Problem as problem:
        if ended := _ended(page, problem):
            return ended
        raise
    return page.render("invitation.html", offer=offer, ways=await ways(page.program))


async def accept_invitation(page: Page) -> HttpAnswer:
    """Accept it: as who is signed in, or as a new user, who is signed in then."""
    form, body = page.form, {}
    if page.person is None:
        names = ("first_name", "last_name")
        body = {name: form.text(name) for name in names} | {"password": form.raw("password")}
    answer = await page.asking.answer("POST", _invitation(page), body=body)
    try:
        accepted = value_of(answer)
    except Problem as problem:
        if ended := _ended(page, problem):
            return ended
        offer = await page.ask("GET", _invitation(page), tenant=None)
        known = await ways(page.program)
        return again(page, "invitation.html", problem, answer, offer=offer, ways=known)
    where = f"/org/{accepted['organization']}"
    if page.person is not None:
        return page.see_other(where, "You are a member now")
    proved = {"email": form.text("email"), "password": form.raw("password")}
    try:
        return opened(page, await page.asking.answer("POST", "/sessions", body=proved))
    except Problem:
        return page.see_other("/login", "Your account is made. Sign in", return_to=where)


def _invitation(page: Page) -> str:
    return f"/invitations/by-token/{quote(page.values['token'], safe='')}"


def _ended(page: Page, problem: Problem) -> HttpAnswer | None:
    if problem.status != 404:
        return None
    return page.render("failed.html", 404, code=404, kind="", detail=ENDED)


ROWS = (
    Row("GET", "/login/reset", show_reset, is_public=True),
    Row("POST", "/login/reset", ask_reset, "", ("askForPasswordReset",), is_public=True),
    Row("GET", "/login/reset/{token}", show_new_password, is_public=True),
    Row("POST", "/login/reset/{token}", choose_password, "", ("resetPassword",), is_public=True),
    Row("GET", "/login/email/{token}", show_new_address, is_public=True),
    Row("POST", "/login/email/{token}", take_address, "", ("confirmEmailChange",), is_public=True),
    Row("GET", "/invite/{token}", show_invitation, is_public=True),
    Row("POST", "/invite/{token}", accept_invitation, "", ("acceptInvitation",), is_public=True),
)
