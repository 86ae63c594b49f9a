"""HTTP API v2: the routes of `chalicelib.api.v2`, 405 for the methods that a path lacks, and 404 for other paths."""

from __future__ import annotations

from chalice.app import Blueprint

from chalicelib.api.v2.problems import failed
from chalicelib.api.v2.routes import routes
from functions.http_view import on_http

blueprint = Blueprint(__name__)

for unit, path, methods, operation in routes():
    view = on_http(blueprint, unit, operation, failed)
    blueprint.route(path, methods=list(methods), content_types=[])(view)
