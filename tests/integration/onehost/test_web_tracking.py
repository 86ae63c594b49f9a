"""Opens and clicks on one host: by the host's name or by the path, whoever asks from wherever."""

from __future__ import annotations

import pytest

from chalicelib import bootstrap
from chalicelib.domain.engagement import EngagementKind
from chalicelib.domain.numbering import MessageId
from chalicelib.ports.clock import Clock
from chalicelib.ports.engagement import Engagement
from chalicelib.services.tracking.domains import TrackDomains
from tests.integration.onehost.conftest import TRACK_DOMAIN, WebTenant
from tests.tracking_scene import BROWSER, LINKS, TrackedMail, mac_key_of

TOKEN = "0123456789abcdefABCDEF"


@pytest.fixture
def mail(tenant: WebTenant) -> TrackedMail:
    """A message with two tracked links."""
    sent = tenant.v2(
        "POST", "/emails", {"from": "app@acme.test", "to": "x@example.com", "text": "Hello"}
    )
    number = MessageId(sent.json["id"])
    until = int(tenant.posthorn[Clock].now()) + 86_400
    links = tenant.posthorn[Engagement].keep_links(tenant.server.id, number, LINKS, until)
    bootstrap.run(links)
    key = bootstrap.run(mac_key_of(tenant.posthorn))
    return TrackedMail(tenant.posthorn, tenant.server, number, key)


@pytest.mark.parametrize("host", ["click.acme.test", TRACK_DOMAIN, "localhost", "gone.example.com"])
def test_opens_and_clicks_are_kept_with_the_reader_s_address(
    tenant: WebTenant, mail: TrackedMail, host: str
) -> None:
    headers = {"host": host, "user-agent": BROWSER, "x-forwarded-for": "203.0.113.9"}
    opened = tenant.call("GET", mail.image, headers=headers)
    assert (opened.status, opened.headers["content-type"]) == (200, "image/png")
    assert opened.body.startswith(b"\x89PNG")
    clicked = tenant.call("GET", mail.link(1), headers=headers)
    assert (clicked.status, clicked.headers["location"]) == (307, LINKS[0])
    activity = bootstrap.run(mail.activity())
    hits = [*activity.opens, *activity.clicks]
    assert {one.kind for one in hits} == {EngagementKind.OPEN, EngagementKind.CLICK}
    assert {one.address for one in hits} == {"203.0.113.9"}
    head = tenant.call("HEAD", mail.link(2), headers=headers)
    assert (head.status, head.headers["location"], head.body) == (307, LINKS[1], b"")


def test_a_track_domain_serves_nothing_but_tracking(tenant: WebTenant) -> None:
    add = tenant.posthorn[TrackDomains].add(tenant.server, "click", "acme.test")
    bootstrap.run(add)
    for host in ("click.acme.test", "CLICK.acme.test:443", "click.acme.test.", TRACK_DOMAIN):
        assert tenant.call("GET", "/", headers={"host": host}).body == b"Hello."
        api = tenant.call("GET", "/api/v2/openapi.json", headers={"host": host})
        assert api.headers["content-type"].startswith("text/plain")
        assert tenant.call("GET", f"/abcdef/{TOKEN}", headers={"host": host}).status == 404
    for host in ("localhost", "", "[::1]:80", "[broken", "x@click.acme.test", "acme.test"):
        assert tenant.call("GET", "/api/v2/openapi.json", headers={"host": host}).status == 200


def test_a_target_in_absolute_form_names_the_host(tenant: WebTenant) -> None:
    headers = {"host": "localhost"}
    found = tenant.call("GET", f"http://{TRACK_DOMAIN}/", headers=headers)
    assert found.body == b"Hello."
    assert tenant.call("GET", "http://localhost/api/v2/openapi.json").status == 200
    assert tenant.call("GET", "http://[broken/", headers=headers).status == 400


def test_a_body_of_a_reader_is_not_read(tenant: WebTenant, mail: TrackedMail) -> None:
    answer = tenant.call("POST", mail.image, b"x" * 3_000_000)
    assert (answer.status, answer.headers["connection"]) == (200, "close")
