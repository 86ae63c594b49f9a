"""HTTP API v2: the routes of `chalicelib.api.v2`, 405 for the methods that a path lacks, and 404 for other paths."""

from __future__ import annotations

from chalice.app import Blueprint

from chalicelib.api.v2.problems import failed
from chalicelib.api.v2.routes import (
    ELSEWHERE,
    ELSEWHERE_METHODS,
    PREFIX,
    ROUTES,
    elsewhere,
    other_methods,
)
from functions.runtime import on_http

blueprint = Blueprint(__name__)

for route in ROUTES:
    view = on_http(blueprint, f"v2.{route.name}", route.operation, failed)
    blueprint.route(route.path, methods=[route.method], content_types=[])(view)

for path, methods, operation in other_methods():
    unit = "v2" + path.removeprefix(PREFIX).replace("/", ".")
    view = on_http(blueprint, unit, operation, failed)
    blueprint.route(path, methods=list(methods), content_types=[])(view)

view = on_http(blueprint, "v2.elsewhere", elsewhere, failed)
blueprint.route(ELSEWHERE, methods=list(ELSEWHERE_METHODS), content_types=[])(view)
