"""Where requests for pages enter: the routes that gateways know, and what answers them.

The dashboard itself, with its templates, is loaded when the first request for a page comes: the function of the API
starts without it.
"""

from __future__ import annotations

from chalicelib.api.http import HttpAnswer, HttpRequest, MailProgram
from chalicelib.web import answers
from chalicelib.web.row import ROOT

ROUTES = (("page.start", ROOT), ("page", "/{page+}"))  # each with its name in the log
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


async def answer_page(program: MailProgram, request: HttpRequest) -> HttpAnswer:
    """The answer to a request for a page. Raises nothing of the error tree."""
    if _is_for_programs(request):
        return answers.nothing_here(request)
    from chalicelib.web import dispatch

    return await dispatch.answer_page(program, request)


def _is_for_programs(request: HttpRequest) -> bool:
    asked = f"/{request.path_values.get('page', '').lstrip('/')}"
    return asked in ("/api", "/.well-known") or asked.startswith(("/api/", "/.well-known/"))


def broken(request: HttpRequest) -> HttpAnswer:
    """What is answered when something unforeseen broke."""
    text = f"<!doctype html><html lang=en><title>Posthorn</title><p>We had an error. Its id is {request.request_id}."
    return answers.page(500, text)
