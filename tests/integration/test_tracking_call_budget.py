"""The price of an open and of a click through the whole tracking function, in AWS calls and units: it must not rise."""

from __future__ import annotations

import pytest

from chalicelib import bootstrap
from chalicelib.adapters.aws.meter import Usage
from chalicelib.bootstrap import Posthorn
from chalicelib.config import Settings
from chalicelib.domain.numbering import MessageId
from chalicelib.domain.tenancy.credentials import CredentialKind
from chalicelib.ports.engagement import Engagement
from chalicelib.ports.messages import MessageStore
from functions.tracking import tracking
from infra.local.exchange import Request
from infra.local.function_url import event_of
from infra.local.invocation import Context
from tests.aws_backend import aws_backend, aws_settings
from tests.fakes import a_message
from tests.tenants import make_tenant
from tests.tracking_scene import TrackedMail, mac_key_of

__all__ = ["aws_backend", "aws_settings"]
pytestmark = pytest.mark.aws

ONE = MessageId(1)


def visit(program: Posthorn, path: str, status: int) -> Usage:
    """What one visit uses."""
    assert program.meter is not None
    before = program.meter.snapshot()
    answer = tracking(event_of(Request("GET", path, {}, b""), 0.0), Context("tracking"))
    assert answer["statusCode"] == status
    return program.meter.snapshot().since(before)


def test_opens_and_clicks_cost_no_more_than_their_budget(aws_settings: Settings) -> None:
    setting_up = bootstrap.on_aws(aws_settings)
    server, _ = bootstrap.run(make_tenant(setting_up, CredentialKind.API))
    bootstrap.run(setting_up[MessageStore].create([a_message(server.id, ONE)]))
    links = ["https://acme.test/"]
    bootstrap.run(setting_up[Engagement].keep_links(server.id, ONE, links, 2**31))
    mail = TrackedMail(setting_up, server, ONE, bootstrap.run(mac_key_of(setting_up)))
    program = bootstrap.on_aws(aws_settings)
    bootstrap.use(program)
    try:
        cold = visit(program, mail.image, 200)
        image, click = visit(program, mail.image, 200), visit(program, mail.link(1), 307)
        forged = visit(program, f"/{server.token}/{mail.token(1)[::-1]}", 404)
        nothing = visit(program, "/", 200)
    finally:
        bootstrap.use(None)
    # Installation and its key once in a process, the server once in thirty seconds; two writes of a first open.
    assert cold.calls == {
        "dynamodb.GetItem": 2,
        "kms.Decrypt": 1,
        "dynamodb.PutItem": 1,
        "dynamodb.UpdateItem": 1,
    }
    assert image.calls == {"dynamodb.PutItem": 1}
    assert (image.write_units, image.read_units) == (1, 0)
    assert click.calls == {"dynamodb.GetItem": 1, "dynamodb.PutItem": 1, "dynamodb.UpdateItem": 1}
    assert (click.write_units, click.read_units) == (2, 0.5)
    assert forged.calls == nothing.calls == {}
