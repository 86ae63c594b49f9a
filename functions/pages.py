"""Pages for people, behind the API's own address: unsubscribing, and the dashboard, which has every other path."""

from __future__ import annotations

from chalice.app import Blueprint

from chalicelib.api import unsubscribe_page
from chalicelib.web import entry
from functions.http_view import on_http

blueprint = Blueprint(__name__)

unsubscribing = on_http(
    blueprint, "page.unsubscribe", unsubscribe_page.answer_unsubscribe, unsubscribe_page.broken
)
blueprint.route(unsubscribe_page.PATH, methods=list(unsubscribe_page.METHODS), content_types=[])(
    unsubscribing
)

for unit, path in entry.ROUTES:
    view = on_http(blueprint, unit, entry.answer_page, entry.broken)
    blueprint.route(path, methods=list(entry.METHODS), content_types=[])(view)
