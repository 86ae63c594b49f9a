"""Members of an organization, and who is invited."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote

from chalicelib.api.http import HttpAnswer
from chalicelib.web.asking import Problem
from chalicelib.web.fields import all_or_some
from chalicelib.web.flash import Flash
from chalicelib.web.form import Form
from chalicelib.web.page import Page
from chalicelib.web.row import Row

PATH = "/org/{org}/members"
ROLES = ("viewer", "member", "admin", "owner")
LISTED = {"limit": 100}


async def show_members(page: Page) -> HttpAnswer:
    """Who is here, as what; and who is invited."""
    return page.render("members.html", **await _values(page))


async def invite(page: Page) -> HttpAnswer:
    """Invite somebody."""
    try:
        wanted = {"email": page.form.text("email"), **_terms(page.form)}
        made = await page.ask("POST", "/invitations", body=wanted)
    except Problem as problem:
        return _refused(page, problem) or page.again("members.html", problem, **await _values(page))
    said = f"{made['email']} is invited. The link works for 7 days"
    if made.get("url"):
        said = (
            f"No mail leaves this installation yet: give {made['email']} this link, {made['url']}"
        )
    return page.see_other(f"{page.base}/members", said)


async def withdraw(page: Page) -> HttpAnswer:
    """Withdraw an invitation."""
    await page.ask("DELETE", f"/invitations/{quote(page.form.text('invitation'), safe='')}")
    return page.see_other(f"{page.base}/members", "The invitation is withdrawn")


async def show_member(page: Page) -> HttpAnswer:
    """One member."""
    return page.render("member.html", member=await _member(page))


async def change_member(page: Page) -> HttpAnswer:
    """Change what a member may."""
    member = await _member(page)
    try:
        await page.ask("PATCH", _api(page), body=_terms(page.form, member["servers"]))
    except Problem as problem:
        return _refused(page, problem) or page.again("member.html", problem, member=member)
    return page.see_other(f"{page.base}/members", "Changed. It holds from the next request on")


async def remove_member(page: Page) -> HttpAnswer:
    """Remove a member."""
    member = await _member(page)
    try:
        await page.ask("DELETE", _api(page))
    except Problem as problem:
        if problem.status != 409:
            raise
        return page.again("member.html", problem, member=member)
    if page.person is not None and page.person.user.id == member["user"]:
        return page.see_other("/", f"You have left {page.values['org']}", all="1")
    made = await _keys_of(page, member["email"])
    if not made:
        return page.see_other(f"{page.base}/members", f"{member['name']} is removed")
    said = f"{member['name']} is removed. The keys that they made still work: {', '.join(made)}"
    return page.see_other(f"{page.base}/keys", Flash(said, "late"))


def _refused(page: Page, problem: Problem) -> HttpAnswer | None:
    """What is not said beside a form: it goes to the dispatcher."""
    if problem.code in ("confirmation_needed", "second_factor_missing"):
        raise problem
    return None


def _terms(form: Form, before: list[str] | None = None) -> dict[str, Any]:
    form.require("role", "read_content")
    content = {"yes": True, "no": False}.get(form.text("read_content"))
    servers = all_or_some(form, "reach", "servers", before)
    return {"role": form.text("role"), "read_content": content, "servers": servers}


async def _values(page: Page) -> dict[str, Any]:
    query = {**LISTED, "cursor": page.query("cursor")}
    members, invitations = await asyncio.gather(
        page.ask("GET", "/members", query=query),
        page.ask_or({"data": []}, "GET", "/invitations", query=LISTED),
    )
    open_ones = [one for one in invitations["data"] if not one["accepted_at"]]
    return {"found": members, "invitations": open_ones, "roles": _roles(page)}


async def _member(page: Page) -> dict[str, Any]:
    cursor: str | None = None
    while True:
        found = await page.ask("GET", "/members", query={**LISTED, "cursor": cursor})
        for one in found["data"]:
            if one["user"] == page.values["user"]:
                return {**one, "roles": _roles(page)}
        cursor = found["next_cursor"]
        if not cursor:
            raise Problem(404, {"detail": "There is no such member", "code": "not_found"})


def _roles(page: Page) -> tuple[str, ...]:
    return ROLES if page.is_owner else ROLES[:-1]


async def _keys_of(page: Page, email: str) -> list[str]:
    found = await page.ask_or({"data": []}, "GET", "/keys", query=LISTED)
    return [str(one["name"]) for one in found["data"] if one["created_by"] == email]


def _api(page: Page) -> str:
    return f"/members/{quote(page.values['user'], safe='')}"


ROWS = (
    Row("GET", PATH, show_members, "people:read", ("listMembers", "listInvitations")),
    Row("POST", PATH, invite, "people:write", ("createInvitation",)),
    Row("POST", f"{PATH}/withdraw", withdraw, "people:write", ("withdrawInvitation",)),
    Row("GET", f"{PATH}/{{user}}", show_member, "people:read", ("listMembers",)),
    Row("POST", f"{PATH}/{{user}}", change_member, "people:write", ("changeMember",)),
    Row("POST", f"{PATH}/{{user}}/remove", remove_member, "people:read", ("removeMember",)),
)
