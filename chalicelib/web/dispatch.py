"""One request for a page into its answer: address, form, who looks, right, view; and every error as a page.

What is said of an error is its public text. A page that nobody foresaw to fail says so with the id of the request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from hmac import compare_digest
from typing import Any
from urllib.parse import unquote, urlencode, urlsplit

from chalicelib.api.http import HttpAnswer, HttpRequest, MailProgram
from chalicelib.api.v2.problems import ContentTooLarge, UnsupportedMediaType, answer_problem
from chalicelib.config import Settings
from chalicelib.domain.errors import MailError, NotFound, Refused, Unauthenticated
from chalicelib.domain.ids import random_alphanumerics
from chalicelib.ports.rand import Rand
from chalicelib.services.tenancy.caller import Caller
from chalicelib.services.tenancy.view_links import ViewLinks
from chalicelib.web import answers, static_files, view_answer
from chalicelib.web.asked_factor import packed
from chalicelib.web.asking import Problem, value_of
from chalicelib.web.cookies import ASKED, FORM, SESSION, Cookies
from chalicelib.web.form import KINDS, Form
from chalicelib.web.frame import Frame, Frames, frame_of
from chalicelib.web.old_paths import moved_to
from chalicelib.web.page import Page, Rendered
from chalicelib.web.pages.sign_in import TICKET_SECONDS
from chalicelib.web.rights import who_may
from chalicelib.web.routes import find, is_ours, methods_of
from chalicelib.web.row import ROOT, Row
from chalicelib.web.visitor import Visitor, caller_of, visitor


async def answer_page(program: MailProgram, request: HttpRequest) -> HttpAnswer:
    """The answer to a request for a page. Raises nothing of the error tree."""
    path, prefix = _path(request)
    if not path.startswith(view_answer.PATH) and program[ViewLinks].is_of_views(_host(request)):
        return answers.nothing_here(request)
    if request.method in ("GET", "HEAD") and path.startswith(static_files.PREFIX):
        found = static_files.answer_static(path)
        return _bodiless(request, found or answers.page(404, "Not found"))
    is_secure = not program[Settings].public_url.startswith("http://")
    if request.method == "GET" and (new := moved_to(path)):
        return answers.moved(prefix + new)
    cookies = Cookies.of(request.headers.get("cookie", ""), is_secure=is_secure)
    row, values = find(request.method, path) or (None, {})
    if row is None:
        if "text/html" not in request.headers.get("accept", ""):
            return answers.nothing_here(request)
        row = Row(request.method, path, _no_view, is_public=True)
    else:
        request.notes["page"] = f"{row.method} {row.pattern}"
    decoded = {name: unquote(one) for name, one in values.items()}
    page = Page(program, request, row, decoded, prefix, cookies, is_ours)
    answer = await _shown(page)
    if request.method == "POST":
        program[Frames].forget()
    return _bodiless(request, answer)


async def _shown(page: Page) -> HttpAnswer:
    """The view's answer, written into what stands around it; or its error as a page."""
    known = lost = page
    try:
        form = _form(page)
        caller = await _caller(page)
        token = "" if caller else page.cookies.get(FORM) or new_form_token(page)
        known = lost = replace(page, form=form, form_token=token)
        if caller is not None:
            lost = replace(known, signed_in=Visitor(caller, caller), values={})
            known = replace(known, signed_in=await visitor(page.program, caller, page.tenant))
            known.visitor.here.require(*page.row.right.split())
        _check_token(known)
        around = asyncio.ensure_future(frame_of(known))
        return await _written(await _viewed(known), around)
    except Unauthenticated:
        return to_sign_in(page)
    except MailError as error:
        failed = failed_page(known if known.signed_in else lost, error)
        return await _written(failed, frame_of(known if known.signed_in else lost))


async def _viewed(page: Page) -> HttpAnswer:
    try:
        return await page.row.view(page)
    except Problem as problem:
        if problem.code == "confirmation_needed":
            return to_confirm(page, problem)
        return page.render("failed.html", problem.status, **told(page, problem))
    except MailError as error:
        return failed_page(page, error)


async def _written(answer: HttpAnswer, around: Awaitable[Frame]) -> HttpAnswer:
    frame = await around
    if not isinstance(answer, Rendered) or answer.page is None:
        return answer
    return answer.page.written(answer, frame)


def to_sign_in(page: Page) -> HttpAnswer:
    """To the sign-in, which leads back to the page that was asked for, with what its address says; from a form to the
    page that has it."""
    back = _page_of(page) if page.request.method == "POST" else _path_of(page)
    query = urlencode(page.request.query, doseq=True) if page.request.method == "GET" else ""
    whole = f"{back}?{query}" if query and is_ours(f"{back}?{query}") else back
    return answers.see_other(page.address("/login", return_to="" if whole == ROOT else whole))


def to_confirm(page: Page, problem: Problem) -> HttpAnswer:
    """To the page that asks who it is, once more, and leads back to the form."""
    asked = page.cookies.set(ASKED, packed(problem.told), TICKET_SECONDS)
    led = page.see_other("/confirm", return_to=_page_of(page))
    return answers.also(led, asked)


def _path_of(page: Page) -> str:
    return page.request.path.removeprefix(page.prefix)


def _page_of(page: Page) -> str:
    """The page that a form stands on: where the browser says it was, or else where it went; empty for none of ours."""
    here = _path_of(page)
    try:
        before = urlsplit(page.request.headers.get("referer", "")).path.removeprefix(page.prefix)
    except ValueError:
        before = ""
    return next((one for one in (before, here) if is_ours(one)), "")


def failed_page(page: Page, error: MailError) -> HttpAnswer:
    """A page that says what is wrong, in the frame."""
    page.request.notes["code"] = error.code
    answer = answer_problem(error, page.request)
    try:
        value_of(answer)
    except Problem as problem:
        return page.render("failed.html", problem.status, **told(page, problem))
    return answer


def told(page: Page, problem: Problem) -> dict[str, Any]:
    """What a page that failed says."""
    detail, scope = problem.sentence, str(problem.told.get("scope", ""))
    if problem.code == "scope_missing":
        detail = who_may(scope, page.values.get("org", ""))
    back = ""
    if problem.status in (
        400,
        409,
        422,
    ):  # the form has them to be changed, or an address that was kept too long
        is_form = page.request.method == "POST"
        back = _page_of(page) if is_form else _path_of(page) if page.request.query else ""
    return {"code": problem.status, "kind": problem.code, "detail": detail, "back": back}


async def _caller(page: Page) -> Caller | None:
    """Whoever has the session of the cookie; Unauthenticated for nobody where a page is not public."""
    try:
        return await caller_of(page.program, page.request, page.cookies.get(SESSION))
    except Unauthenticated:
        if page.row.is_public:
            return None
        raise


def new_form_token(page: Page) -> str:
    """A token for the forms of somebody who has not signed in."""
    return random_alphanumerics(page.program[Rand].bytes(48), 32)


def _form(page: Page) -> Form:
    """The form that was sent, from one of our pages alone."""
    request = page.request
    if request.method != "POST":
        return Form()
    if request.content_type.partition(";")[0].strip().lower() not in KINDS:
        raise UnsupportedMediaType("This takes a form")
    if len(request.body) > page.row.largest:
        raise ContentTooLarge(f"This form takes at most {page.row.largest // 1024:,} KiB")
    if not _is_from_here(request):
        raise Refused("This form was sent from another site")
    return Form.of(request)


def _check_token(page: Page) -> None:
    if page.request.method != "POST":
        return
    sent = page.form.raw("csrf")
    is_kept = page.signed_in is not None or page.cookies.get(FORM) == page.csrf
    if not is_kept or not page.csrf or not compare_digest(sent.encode(), page.csrf.encode()):
        raise Refused("This form is too old. Load the page again, and send it once more")


def _is_from_here(request: HttpRequest) -> bool:
    """Whether a browser says that the form is ours; of one that says nothing the token alone tells."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("origin")
    # Scheme and host stand in it and nothing else, so that there is nothing to be parsed.
    return origin is None or origin.partition("://")[2] == request.headers.get("host", "")


async def _no_view(page: Page) -> HttpAnswer:
    methods = methods_of(page.row.pattern)
    if not methods:
        raise NotFound("There is no such page")
    answer = page.render(
        "failed.html", 405, code=405, kind="", detail="This page does not take that"
    )
    return replace(answer, headers={"Allow": ", ".join(sorted(methods))})


def _path(request: HttpRequest) -> tuple[str, str]:
    """The path as the table has it, and what stands before it: the stage of API Gateway, which its own path has."""
    variable = request.path_values.get("page")
    whole = request.path
    tail = ROOT if variable is None else f"/{variable.lstrip('/')}"
    prefix = whole.removesuffix("/").removesuffix(tail.removesuffix("/"))
    path = tail if tail == ROOT else tail.removesuffix("/")
    return path, prefix if prefix != whole.removesuffix("/") or tail == ROOT else ""


def _host(request: HttpRequest) -> str:
    return request.headers.get("host", "")


def _bodiless(request: HttpRequest, answer: HttpAnswer) -> HttpAnswer:
    return HttpAnswer(answer.status, "", answer.headers) if request.method == "HEAD" else answer
