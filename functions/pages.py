"""Pages for people: unsubscribing, behind the API's own address."""

from __future__ import annotations

from chalice.app import Blueprint

from chalicelib.api.unsubscribe_page import METHODS, PATH, answer_unsubscribe, broken
from functions.http_view import on_http

blueprint = Blueprint(__name__)

view = on_http(blueprint, "page.unsubscribe", answer_unsubscribe, broken)
blueprint.route(PATH, methods=list(METHODS), content_types=[])(view)
