"""The function of views behind its function URL, on the emulated AWS, and which address pages are told of it."""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from chalicelib import bootstrap
from chalicelib.domain.numbering import MessageId
from chalicelib.services.tenancy.view_links import View, ViewLinks
from infra.downloads import EXTENSION
from infra.gateway_responses import API
from infra.local.loopback import direct
from infra.order import Order
from infra.package import Package
from infra.plan import templates_of
from infra.targets import Target
from infra.templates import Template
from tests.deploy.installation import Installation
from tests.patience import PATIENCE

pytestmark = [pytest.mark.slow]

OWN = "https://view.acme.test"


def functions(package: Package, **settings: str) -> Template:
    target = Target("aws", "", "us-east-1", ("test", "test"))
    order = Order(target, "posthorn", package, settings=settings)
    return templates_of(order)["functions"]


def told_to_pages(template: Template) -> object:
    """The address of views in the environment of the API's function, over what all functions are told."""
    own = template["Resources"]["APIHandler"]["Properties"]["Environment"]["Variables"]
    return own.get("POSTHORN_VIEW_URL") or template["Globals"]["Function"]["Environment"][
        "Variables"
    ].get("POSTHORN_VIEW_URL")


def test_pages_are_told_the_functions_address_unless_a_setting_says_another(
    package: Package,
) -> None:
    assert told_to_pages(functions(package)) == {"Fn::GetAtt": ["ViewUrl", "FunctionUrl"]}
    assert told_to_pages(functions(package, view_url=OWN)) == OWN


def test_the_api_hands_out_bytes_to_browsers(package: Package) -> None:
    properties = functions(package)["Resources"][API]["Properties"]
    types = properties["DefinitionBody"][EXTENSION]
    assert properties["BinaryMediaTypes"] == types
    assert {"text/html", "application/octet-stream"} < set(types)
    assert "*/*" not in types  # which would make base64 of every request


def ask(installation: Installation, path: str, method: str = "GET") -> tuple[int, str, str]:
    """Status, policy and body of an answer of the function URL; the emulator knows it by its host."""
    order, host = installation.order, view_host(installation)
    request = urllib.request.Request(  # noqa: S310  # the emulator on loopback
        order.target.endpoint + path, headers={"Host": host}, method=method
    )
    try:
        with direct.open(request, timeout=PATIENCE) as answer:
            return answer.status, answer.headers["Content-Security-Policy"], answer.read().decode()
    except urllib.error.HTTPError as answer:
        with answer:
            return answer.code, "", answer.read().decode()


def view_host(installation: Installation) -> str:
    return urlsplit(installation.deployed.outputs["ViewAddress"]).hostname or ""


@pytest.mark.aws
def test_a_message_is_shown_at_its_address_and_nothing_else_is(installation: Installation) -> None:
    sent = installation.send("viewed@example.com")
    links, host = installation.program[ViewLinks], view_host(installation)
    view = View(
        host, "https://pages.test", installation.server.id, sent["id"], "us1", links.until()
    )

    def path_of(view: View) -> str:
        return f"/view/{bootstrap.run(links.token(view))}"

    status, policy, body = ask(installation, path_of(view))
    assert status == 200, body
    assert policy.startswith("sandbox; default-src 'none'")
    assert re.search(r"frame-ancestors https://pages\.test$", policy)
    assert body.startswith("<!doctype html>")
    elsewhere, other = replace(view, host="other.test"), replace(view, message=MessageId(9_999))
    ended = replace(view, until=1)
    paths = ["/", "/view/", "/view/x", "/login", "/api/v2/emails"]
    for path in [*paths, *map(path_of, (elsewhere, other, ended))]:
        assert ask(installation, path)[0] == 404, path
    assert ask(installation, path_of(view), "POST")[0] == 404
    assert any('"unit": "view"' in line for line in installation.log("View"))


@pytest.mark.aws
def test_on_emulators_pages_are_told_no_name_that_nobody_finds(installation: Installation) -> None:
    lambdas = installation.order.target.client("lambda")
    name = installation.deployed.functions["Api"]
    variables = lambdas.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    assert "POSTHORN_VIEW_URL" not in variables
