"""Pages for people, behind the API's own address: unsubscribing, and the dashboard, which has every other path."""

from __future__ import annotations

from chalice.app import Blueprint

from chalicelib.api import unsubscribe_page
from chalicelib.web import dispatch
from functions.http_view import on_http

blueprint = Blueprint(__name__)

unsubscribing = on_http(
    blueprint, "page.unsubscribe", unsubscribe_page.answer_unsubscribe, unsubscribe_page.broken
)
blueprint.route(unsubscribe_page.PATH, methods=list(unsubscribe_page.METHODS), content_types=[])(
    unsubscribing
)

for unit, path in (("page.start", dispatch.ROOT), ("page", dispatch.PATH)):
    view = on_http(blueprint, unit, dispatch.answer_page, dispatch.broken)
    blueprint.route(path, methods=list(dispatch.METHODS), content_types=[])(view)
