"""HTTP API v1, wire-compatible with Postal (contract section 2): the routes of `chalicelib.api.v1`.

No content types are listed for the routes, so that every body reaches the action: what is no JSON and no form has
no parameters there.
"""

from __future__ import annotations

from chalice.app import Blueprint

from chalicelib.api.v1.envelope import failed
from chalicelib.api.v1.routes import routes
from functions.http_view import on_http

blueprint = Blueprint(__name__)

for unit, path, methods, operation in routes():
    view = on_http(blueprint, unit, operation, failed)
    blueprint.route(path, methods=list(methods), content_types=[])(view)
