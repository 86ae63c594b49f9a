"""The page behind a link to unsubscribe (RFC 8058): GET and HEAD ask, POST acts.

Mail scanners follow links, so that asking changes nothing. Mailbox providers post `List-Unsubscribe=One-Click`, and so
does the page's own button. Plain HTML without script or cookie; whatever others wrote is escaped. An address says who
unsubscribes, so that it is given to nobody: no referrer, no index, no cache.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from html import escape
from types import MappingProxyType

from chalicelib.api.http import RETRY_AFTER, HttpAnswer, HttpRequest, MailProgram
from chalicelib.domain.errors import MailError, NotFound
from chalicelib.domain.forms import read_form
from chalicelib.services.outgoing.unsubscribe import NO_LINK, Offer, Unsubscribe

PATH = "/u/{token}"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
ALLOWED = "GET, HEAD, POST"
FIELD, VALUE = "List-Unsubscribe", "One-Click"
_STYLE = (
    "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:3rem auto;padding:0 1rem}"
    "button{font:inherit;padding:.5rem 1rem;margin:.5rem .5rem .5rem 0}"
)
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "Content-Type": "text/html; charset=utf-8",
        "Cache-Control": "no-store",
        "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_HASH}';"
        " form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Robots-Tag": "noindex",
    }
)


async def answer_unsubscribe(program: MailProgram, request: HttpRequest) -> HttpAnswer:
    """The answer to one request. Raises nothing of the error tree."""
    if request.method not in ALLOWED.split(", "):
        return _page(request, 405, "Not possible", "", {"Allow": ALLOWED})
    unsubscribe = program[Unsubscribe]
    try:
        offer = await unsubscribe.offer(request.path_values["token"])
        request.notes["server_id"] = offer.link.server
        request.notes["message_id"] = offer.link.message
        if request.method != "POST":
            return _page(request, 200, "Unsubscribe", _question(offer))
        form = read_form(request.content_type, request.body)
        if form.get(FIELD) != VALUE:
            text = f"The form lacks the field {FIELD}={VALUE}."
            return _page(request, 400, "Not understood", f"<p>{text}</p>")
        is_whole = form.get("scope") == "server"
        await unsubscribe.accept(offer, whole_server=is_whole)
    except NotFound:
        return _page(request, 404, "Nothing here", f"<p>{NO_LINK}.</p>")
    except MailError as failure:
        request.notes["code"] = failure.code
        text = "<p>This does not work at the moment. Try again in some minutes.</p>"
        return _page(request, 503, "Try again later", text, {"Retry-After": RETRY_AFTER})
    return _page(request, 200, "Unsubscribed", _done(offer, is_whole=is_whole))


def broken(request: HttpRequest) -> HttpAnswer:
    """What is answered when something unforeseen broke."""
    return _page(request, 500, "Try again later", "<p>Something went wrong.</p>")


def _question(offer: Offer) -> str:
    return (
        f"<p>{_who(offer)} gets mail of the kind <strong>{escape(offer.link.stream)}</strong>"
        f" from {escape(offer.server.name)}.</p>"
        '<form method="post">'
        f'<input type="hidden" name="{FIELD}" value="{VALUE}">'
        '<button type="submit">Unsubscribe from this mail</button>'
        '<button type="submit" name="scope" value="server">Unsubscribe from all of its mail'
        "</button></form>"
    )


def _done(offer: Offer, *, is_whole: bool) -> str:
    what = "mail" if is_whole else f"mail of the kind <strong>{escape(offer.link.stream)}</strong>"
    return f"<p>{_who(offer)} gets no more {what} from {escape(offer.server.name)}.</p>"


def _who(offer: Offer) -> str:
    return f"<strong>{escape(offer.link.recipient)}</strong>"


def _page(
    request: HttpRequest,
    status: int,
    title: str,
    content: str,
    more: Mapping[str, str] | None = None,
) -> HttpAnswer:
    """A whole page; of HEAD its header alone."""
    text = (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{title}</h1>{content}</main></body></html>\n"
    )
    body = "" if request.method == "HEAD" else text
    return HttpAnswer(status, body, {**_HEADERS, **(more or {})})
