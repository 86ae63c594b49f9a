"""One host chooses the operations that the deployed API chooses."""

from __future__ import annotations

import pytest

from app import app
from infra.local.lambda_http import Events
from onehost.web.application import BINARY_TYPES
from onehost.web.routes import WebRoutes

PATHS = [
    "/",
    "/api/v1",
    "/api/v1/send",
    "/api/v1/send/message",
    "/api/v1/send/message/",
    "/api/v1/send/message/x",
    "/api/v1/messages/nothing",
    "/api/v2",
    "/api/v2/",
    "/api/v2/emails",
    "/api/v2/emails/",
    "/api/v2/emails/5",
    "/api/v2/emails/batch",
    "/api/v2/emails/%35",
    "/api/v2/emails/5/raw",
    "/api/v2/emails/5/nothing/at/all",
    "/api/v2/openapi.json",
    "/.well-known/jwks.json",
    "/.well-known/other",
    "/API/v2/emails",
    "/api/v3/emails",
]
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "X"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", METHODS)
def test_the_same_route_takes_a_request(method: str, path: str) -> None:
    found = WebRoutes().find(method, path)
    try:
        event = Events(app).create_lambda_event(method, path, {})
    except ValueError:
        assert found is None
        return
    assert found is not None
    assert found.route.path == event["requestContext"]["resourcePath"]
    captured = event["pathParameters"]
    assert {name: value.rstrip("/") for name, value in captured.items()} == found.values
    view = app.routes[found.route.path][method].view_function
    assert view.__closure__ is not None
    assert found.route.unit in [cell.cell_contents for cell in view.__closure__]


def test_the_types_that_travel_as_base64_are_those_of_the_deployed_api() -> None:
    assert set(app.api.binary_types) == BINARY_TYPES
