"""One request for a page into its answer: address, form, who looks, right, view; and every error as a page.

What is said of an error is its public text. A page that nobody foresaw to fail says so with the id of the request.
"""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from chalicelib.api.http import HttpAnswer, HttpRequest, MailProgram
from chalicelib.api.v2.problems import answer_problem
from chalicelib.domain.errors import MailError, NotFound, Refused, Rejected, Unauthenticated
from chalicelib.web import answers, static_files
from chalicelib.web.asking import Problem
from chalicelib.web.cookies import SESSION, Cookies
from chalicelib.web.form import KINDS, LARGEST, Form
from chalicelib.web.page import Page
from chalicelib.web.routes import find, methods_of
from chalicelib.web.row import ROOT, Row
from chalicelib.web.visitor import Visitor, visitor


class WrongForm(Rejected):
    """A form that no page of ours sent: in another type, too large, or from elsewhere."""

    code = "wrong_form"


async def answer_page(program: MailProgram, request: HttpRequest) -> HttpAnswer:
    """The answer to a request for a page. Raises nothing of the error tree."""
    path, prefix = _path(request)
    if request.method in ("GET", "HEAD") and path.startswith(static_files.PREFIX):
        found = static_files.answer_static(path)
        return _bodiless(request, found or answers.page(404, "Not found"))
    cookies = Cookies.of(request.headers.get("cookie", ""), is_secure=_is_secure(request))
    taken = find(request.method, path)
    if taken is None:
        return _nowhere(program, request, path, prefix, cookies)
    row, values = taken
    request.notes["page"] = f"{row.method} {row.pattern}"
    decoded = {name: unquote(one) for name, one in values.items()}
    page = Page(program, request, row, decoded, prefix, cookies)
    return _bodiless(request, await _shown(page))


async def _shown(page: Page) -> HttpAnswer:
    """The view's answer, or its error as a page."""
    known = page
    try:
        form = _form(page)
        known = _with(page, form, await _visitor(page))
        _check_token(known)
        return await page.row.view(known)
    except Unauthenticated:
        return to_sign_in(page)
    except Problem as problem:
        return failed_page(known, problem.status, problem.detail)
    except MailError as error:
        known.request.notes["code"] = error.code
        problem_answer = answer_problem(error, page.request)
        return failed_page(known, problem_answer.status, error.public)


def to_sign_in(page: Page) -> HttpAnswer:
    """To the sign-in, which leads back to a page that was asked for by its address."""
    back = page.request.path.removeprefix(page.prefix) if page.request.method == "GET" else ""
    return answers.see_other(page.address("/login", return_to="" if back == ROOT else back))


def failed_page(page: Page, status: int, detail: str) -> HttpAnswer:
    """A page that says what is wrong, in the frame."""
    return page.render("failed.html", status, code=status, detail=detail)


async def _visitor(page: Page) -> Visitor | None:
    token = page.cookies.get(SESSION)
    if not token:
        if page.row.is_public:
            return None
        raise Unauthenticated("Sign in")
    try:
        return await visitor(page.program, page.request, token, page.tenant, page.row.right)
    except Unauthenticated:
        if page.row.is_public:
            return None
        raise


def _form(page: Page) -> Form:
    """The form that was sent, from one of our pages alone."""
    request = page.request
    if request.method != "POST":
        return Form()
    if request.content_type.partition(";")[0].strip().lower() not in KINDS:
        raise WrongForm("This takes a form")
    if len(request.body) > LARGEST:
        raise WrongForm(f"A form has at most {LARGEST // 1024} KiB")
    if not _is_from_here(request):
        raise Refused("This form was sent from another site")
    return Form.of(request)


def _check_token(page: Page) -> None:
    if page.request.method != "POST" or page.signed_in is None:
        return
    if not page.csrf or page.form.raw("csrf") != page.csrf:
        raise Refused("This form is too old. Load the page again, and send it once more")


def _is_from_here(request: HttpRequest) -> bool:
    """Whether a browser says that the form is ours; of one that says nothing the token alone tells."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host", "")


def _with(page: Page, form: Form, signed_in: Visitor | None) -> Page:
    return Page(
        page.program,
        page.request,
        page.row,
        page.values,
        page.prefix,
        page.cookies,
        form,
        signed_in,
    )


def _nowhere(
    program: MailProgram, request: HttpRequest, path: str, prefix: str, cookies: Cookies
) -> HttpAnswer:
    methods = methods_of(path)
    if "text/html" not in request.headers.get("accept", ""):
        return answers.nothing_here(request)
    row = Row(request.method, path, _no_view, is_public=True)
    page = Page(program, request, row, {}, prefix, cookies)
    if not methods:
        return _bodiless(request, failed_page(page, 404, "There is no such page"))
    answer = failed_page(page, 405, "This page does not take that")
    return HttpAnswer(405, answer.body, {**answer.headers, "Allow": ", ".join(sorted(methods))})


async def _no_view(page: Page) -> HttpAnswer:
    raise NotFound("There is no such page")


def _path(request: HttpRequest) -> tuple[str, str]:
    """The path as the table has it, and what stands before it: the stage of API Gateway, which its own path has."""
    variable = request.path_values.get("page")
    whole = request.path
    tail = ROOT if variable is None else f"/{variable.lstrip('/')}"
    prefix = whole.removesuffix("/").removesuffix(tail.removesuffix("/"))
    path = tail if tail == ROOT else tail.removesuffix("/")
    return path, prefix if prefix != whole.removesuffix("/") or tail == ROOT else ""


def _is_secure(request: HttpRequest) -> bool:
    """Whether the browser came over TLS: always, but for the local stack and hosts on loopback."""
    host = request.headers.get("host", "").rpartition(":")[0] or request.headers.get("host", "")
    return host not in ("localhost", "127.0.0.1", "[::1]")


def _bodiless(request: HttpRequest, answer: HttpAnswer) -> HttpAnswer:
    return HttpAnswer(answer.status, "", answer.headers) if request.method == "HEAD" else answer
