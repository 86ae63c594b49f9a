"""The tracking function behind its function URL, open to all or behind CloudFront, on the emulated AWS."""

from __future__ import annotations

import secrets
import urllib.error
import urllib.request
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest

from chalicelib import bootstrap
from chalicelib.domain.numbering import MessageId
from chalicelib.ports.engagement import Engagement
from chalicelib.services.tracking.answer import IMAGE
from infra.current_state import stacks_of
from infra.deploy import deploy
from infra.local.loopback import direct
from infra.order import Order, check_pairs, check_tracking
from infra.outputs import Deployed, show
from infra.targets import AWS, WrongOrder
from tests.deploy.installation import Installation, random_prefix, wait_for
from tests.patience import PATIENCE
from tests.tracking_scene import TrackedMail, mac_key_of

pytestmark = [pytest.mark.aws, pytest.mark.slow]

CERTIFICATE = "arn:aws:acm:us-east-1:000000000000:certificate/6f7a1f0e"
NAMES = "track.acme.test,go.other.test"


def ask(order: Order, deployed: Deployed, path: str) -> tuple[int, dict[str, str], bytes]:
    """GET from the function URL; the emulator knows it by its host."""
    host = urlsplit(deployed.outputs["TrackingAddress"]).hostname or ""
    request = urllib.request.Request(  # noqa: S310  # the emulator on loopback
        order.target.endpoint + path, headers={"Host": host, "User-Agent": "Reader/1"}
    )
    try:
        with direct.open(request, timeout=PATIENCE) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as answer:
        with answer:
            return answer.code, dict(answer.headers), answer.read()


def tracked(installation: Installation) -> TrackedMail:
    """A message that was sent through the deployed installation, with a link."""
    program, sent = installation.program, installation.send(f"{secrets.token_hex(4)}@example.com")
    message = MessageId(sent["id"])
    links = ["https://acme.test/deployed"]
    bootstrap.run(program[Engagement].keep_links(installation.server.id, message, links, 2**31))
    key = bootstrap.run(mac_key_of(program))
    return TrackedMail(program, installation.server, message, key)


def test_opens_and_clicks_of_a_deployed_installation_count(installation: Installation) -> None:
    mail = tracked(installation)
    status, headers, body = ask(installation.order, installation.deployed, mail.image)
    assert (status, headers["Content-Type"], body) == (200, "image/png", IMAGE)
    status, headers, _ = ask(installation.order, installation.deployed, mail.link(1))
    assert (status, headers["Location"]) == (307, "https://acme.test/deployed")
    for path in (mail.link(2), "/abcdef/0123456789012345678901"):
        assert ask(installation.order, installation.deployed, path)[0] == 404

    def both() -> Any:
        activity = bootstrap.run(mail.activity())
        return activity if activity.opens and activity.clicks else None

    activity = wait_for(both, "both hits are kept")
    assert [hit.user_agent for hit in activity.opens] == ["Reader/1"]
    assert [hit.url for hit in activity.clicks] == ["https://acme.test/deployed"]
    shown = installation.post("/api/v1/messages/message", {"id": mail.message, "_expansions": True})
    assert len(shown[1]["data"]["activity_entries"]["clicks"]) == 1
    assert any('"unit": "tracking"' in line for line in installation.log("Tracking"))


def test_behind_cloudfront_nobody_else_may_call_it(
    installation: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    parameters = {"TrackDomainNames": NAMES, "TrackCertificateArn": CERTIFICATE}
    order = replace(installation.order, prefix=random_prefix(), parameters=parameters)
    made = deploy(order, lambda _: None)
    assert made.outputs["TrackTarget"].endswith(".cloudfront.net")
    assert list(stacks_of(order.target, order.prefix))[-1] == f"{order.prefix}-tracking"
    lambdas = order.target.client("lambda")
    name = made.functions["Tracking"]
    assert lambdas.get_function_url_config(FunctionName=name)["AuthType"] == "AWS_IAM"
    variables = lambdas.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    assert variables["POSTHORN_BEHIND_CLOUDFRONT"] == "true"
    assert ask(order, made, "/")[0] == 403
    (found,) = (
        one
        for one in order.target.client("cloudfront").list_distributions()["DistributionList"][
            "Items"
        ]
        if one["DomainName"] == made.outputs["TrackTarget"]
    )
    assert sorted(found["Aliases"]["Items"]) == sorted(NAMES.split(","))
    (origin,) = found["Origins"]["Items"]
    assert origin["DomainName"] == urlsplit(made.outputs["TrackingAddress"]).hostname
    assert origin["OriginAccessControlId"]
    assert deploy(order, lambda _: None).outputs["TrackTarget"] == made.outputs["TrackTarget"]
    show(made, as_json=False)
    assert f"{made.outputs['TrackTarget']} (TrackTarget)" in capsys.readouterr().out
    silent = replace(order, parameters={})
    with pytest.raises(
        WrongOrder, match=r"-tracking; say --parameter TrackDomainNames=… as before"
    ):
        deploy(silent, lambda _: None)
    assert lambdas.get_function_url_config(FunctionName=name)["AuthType"] == "AWS_IAM"
    deploy(replace(silent, open_tracking=True), lambda _: None)
    assert lambdas.get_function_url_config(FunctionName=name)["AuthType"] == "NONE"


def test_without_track_domains_the_word_of_a_header_is_not_believed(
    installation: Installation,
) -> None:
    lambdas = installation.order.target.client("lambda")
    name = installation.deployed.functions["Tracking"]
    variables = lambdas.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    assert variables["POSTHORN_BEHIND_CLOUDFRONT"] == "false"


@pytest.mark.parametrize(
    ("parameters", "settings", "said"),
    [
        ({"TrackDomainNames": NAMES}, {}, "say --parameter TrackCertificateArn"),
        ({"TrackCertificateArn": CERTIFICATE}, {}, "say --parameter TrackDomainNames"),
        (
            {"TrackDomainNames": NAMES, "TrackCertificateArn": CERTIFICATE},
            {},
            "track_domain must be set",
        ),
    ],
)
def test_a_half_order_is_refused_before_anything_is_made(
    installation: Installation, parameters: dict[str, str], settings: dict[str, str], said: str
) -> None:
    target = replace(installation.order.target, kind=AWS)
    order = replace(installation.order, target=target, parameters=parameters, settings=settings)
    with pytest.raises(WrongOrder, match=said):
        check_pairs(order.parameters)
        check_tracking(order, {})
