"""The function of views knows at which host it was asked, and shows nothing but views."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib import bootstrap
from chalicelib.config import Settings
from chalicelib.services.tenancy.view_links import View, ViewLinks
from functions.view import view
from infra.local.exchange import Request
from infra.local.function_url import event_of
from infra.local.invocation import Context
from tests.worlds import make_scene

OWN = "abc.lambda-url.us-east-1.on.aws"


def shown(method: str, path: str, **headers: str) -> dict[str, Any]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return view(event_of(Request(method, path, named, b""), 0.0), Context("view", 10.0))


@pytest.mark.parametrize(
    ("url", "said", "host"),
    [
        ("", {"host": OWN}, OWN),
        ("", {"host": OWN, "x_forwarded_host": "127.0.0.1:8000"}, "127.0.0.1:8000"),
        ("https://view.acme.test/", {"host": OWN, "x_forwarded_host": "x"}, "view.acme.test"),
    ],
)
def test_a_view_is_shown_at_its_host_alone(url: str, said: dict[str, str], host: str) -> None:
    scene = bootstrap.run(make_scene(Settings(view_url=url)))
    bootstrap.use(scene.posthorn)
    try:
        (number,) = [one.id for one in bootstrap.run(scene.accept("a@example.com"))]
        links = scene.posthorn[ViewLinks]

        def path(host: str) -> str:
            made = View(host, "https://p.test", scene.server.id, number, "us1", links.until())
            return f"/view/{bootstrap.run(links.token(made))}"

        assert shown("GET", path(host), **said)["statusCode"] == 200
        assert shown("GET", path("other.test"), **said)["statusCode"] == 404
        for method, asked in (
            ("POST", path(host)),
            ("GET", "/"),
            ("GET", "/view/"),
            ("GET", "/login"),
        ):
            assert shown(method, asked, **said)["statusCode"] == 404
    finally:
        bootstrap.use(None)
