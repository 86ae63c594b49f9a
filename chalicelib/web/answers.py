"""Answers of pages: HTML with its protecting header fields, and ways to another page.

A page is never cached, framed nor given a script of others; mail that it shows lies at another host.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from chalicelib.api.http import HttpAnswer, HttpRequest
from chalicelib.api.v2.gateway_responses import answer_of

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
    " form-action 'self'; {frames}base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS: Mapping[str, str] = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "private, no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "publickey-credentials-get=(self), publickey-credentials-create=(self)",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}


def page(status: int, text: str, *, frames: str = "", **more: str) -> HttpAnswer:
    """A whole page; `frames` is the origin of what it frames, if it frames anything."""
    policy = _POLICY.format(frames=f"frame-src {frames}; " if frames else "")
    return HttpAnswer(status, text, {**_HEADERS, "Content-Security-Policy": policy, **more})


def see_other(address: str, **more: str) -> HttpAnswer:
    """303 to an address of ours, which the caller has made from the table and quoted parts."""
    headers = {"Location": address, "Cache-Control": "private, no-store"}
    return HttpAnswer(303, "", {**headers, **more})


def also(answer: HttpAnswer, *cookies: str, **headers: str) -> HttpAnswer:
    """The answer with further cookies and header fields."""
    more = {name.replace("_", "-"): value for name, value in headers.items()}
    return replace(answer, headers={**answer.headers, **more}, cookies=(*answer.cookies, *cookies))


def moved(address: str) -> HttpAnswer:
    """308 to an address of ours."""
    return HttpAnswer(308, "", {"Location": address, "Cache-Control": "private, no-store"})


def nothing_new() -> HttpAnswer:
    """204: a poll has nothing to swap."""
    return HttpAnswer(204, "", {"Cache-Control": "private, no-store"})


def nothing_here(request: HttpRequest) -> HttpAnswer:
    """What programs are told of an address that nothing is at: the same as by API Gateway, where it has no route."""
    answer = answer_of("MISSING_AUTHENTICATION_TOKEN")
    return HttpAnswer(404, answer.body_for(request.request_id), answer.headers)


def text_file(name: str, text: str, kind: str = "text/plain; charset=utf-8") -> HttpAnswer:
    """A file that a browser keeps and never shows; `name` is of letters, digits, dots and dashes."""
    headers = {
        "Content-Type": kind,
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "private, no-store",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
    }
    return HttpAnswer(200, text, headers)
