"""The HTML of mail: the function behind the host of views, which shows one message by an address that is the right.

It stands behind a function URL, which is another origin than the API's and has no cookie of it. It answers views and
nothing else, so an address that was made for another host does no harm here; it is nothing here all the same.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from chalice.app import Blueprint

from chalicelib.bootstrap import Posthorn
from chalicelib.domain.tracking.visit import Visit
from chalicelib.services.tracking.answer import Answer
from chalicelib.web.view_answer import PATH, answer_view
from functions.function_url import on_visit

blueprint = Blueprint(__name__)
_NOTHING = Answer(404, b"There is nothing here", {"Content-Type": "text/plain; charset=utf-8"})


async def answer(posthorn: Posthorn, visit: Visit) -> Answer:
    """One message, or nothing."""
    if visit.method != "GET" or not visit.path.startswith(PATH):
        return _NOTHING
    notes: dict[str, Any] = {}
    token = visit.path.removeprefix(PATH)
    found = await answer_view(posthorn, token, _host(posthorn, visit), notes)
    body = found.body if isinstance(found.body, bytes) else found.body.encode("utf-8", "replace")
    return Answer(found.status, body, found.headers, notes)


def _host(posthorn: Posthorn, visit: Visit) -> str:
    """The host at which browsers ask: what the setting names, or whoever stands in front of us, or our own."""
    if url := posthorn.settings.view_url:
        return urlsplit(url).netloc
    return visit.headers.get("x-forwarded-host") or visit.headers.get("host", "")


view = blueprint.lambda_function(name="view")(on_visit("view", answer))
