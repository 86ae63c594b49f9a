"""Whatever is wrong with a deployment ends in one clear sentence and exit code 1, before anything is made."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace
from typing import Any, cast

import pytest
from moto import mock_aws

from infra import deploy as deployment
from infra import destroy as destroying
from infra import package as packaging
from infra.current_state import CurrentState, stacks_of
from infra.order import Order, check_gateway
from infra.package import Package
from infra.targets import Target, WrongOrder, find_target
from tests.deploy.installation import random_prefix

NAMES = {
    "web_hostname": "posthorn.acme.test",
    "smtp_hostname": "mail.acme.test",
    "return_path_domain": "rp.acme.test",
    "route_domain": "routes.acme.test",
    "spf_include": "spf.acme.test",
}


@pytest.fixture(autouse=True)
def _nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """No endpoint, no region and no credentials; and no package is ever made."""
    for name in ("AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("POSTHORN_STATE", "/nonexistent")

    def build(*_: object) -> None:
        raise AssertionError("the mistake was not found before packaging")

    monkeypatch.setattr(packaging, "build", build)


@contextmanager
def aws_that_answers(status: int, body: str, *, knows_who_asks: bool = False) -> Iterator[str]:
    """An endpoint that answers everything alike, except perhaps who is asking; its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # the name that http.server looks for
            asked = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            is_known = knows_who_asks and b"GetCallerIdentity" in asked
            answer = (IDENTITY if is_known else body).encode()
            self.send_response(200 if is_known else status)
            self.send_header("Content-Type", "text/xml")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


IDENTITY = (
    '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
    "<GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/a</Arn><UserId>A</UserId>"
    "<Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
)


def sts_error(code: str) -> str:
    return (
        '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>'
        f"<Code>{code}</Code><Message>no</Message></Error></ErrorResponse>"
    )


def said(capsys: pytest.CaptureFixture[str]) -> str:
    """The one line that was said."""
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("posthorn: ")
    assert "Traceback" not in line
    return line


SETTINGS = [part for name, value in NAMES.items() for part in ("--set", f"{name}={value}")]
AWS = ["--target", "aws", "--region", "eu-west-1"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--target", "moon"], "there is no target 'moon'"),
        (["--endpoint", "localhost:4566"], "an endpoint is a URL"),
        (["--endpoint", "http://127.0.0.1:1"], "nothing answers at http://127.0.0.1:1"),
        (["--region", "europe"], "'europe' is no region"),
        (["--prefix", "Mail"], "'Mail' is no prefix"),
        (["--prefix", "a-prefix-that-is-too-long-by-far"], "is no prefix"),
        (["--pools", "default,Bulk"], "'Bulk' is no name for a pool"),
        (["--pools", "bulk"], "the pools must hold 'default'"),
        (["--set", "max_attempts"], "--set takes NAME=VALUE"),
        (["--set", "max_attempt=3"], "there is no setting 'max_attempt'"),
        (["--set", "max_attempts=three"], "POSTHORN_MAX_ATTEMPTS must be a whole number"),
        (["--set", "bucket=mine"], "bucket follows from the prefix"),
        (["--parameter", "AlarmEmail"], "--parameter takes NAME=VALUE"),
        (
            ["--pools", "default", "--egress-host", "bulk=3:2"],
            "there is no pool 'bulk' to have an egress host",
        ),
        (["--egress-host", "default=3"], "needs :1 to :8 addresses"),
        (["--egress-host", "default=16:2"], "needs a number of its own from 2 to 15"),
        (["--egress-host", "default"], "--egress-host takes NAME=VALUE"),
        (["--egress-image", "x"], "say --egress-host too"),
        (["--prefix", "acme-nat"], "'acme-nat' is no prefix: one that ends in -nat, -egress"),
        (["--prefix", "acme-deliver"], "reads like a part of another installation"),
        (["--architecture", "sparc"], "--architecture: invalid choice: 'sparc'"),
        (["--no-such-option"], "unrecognized arguments: --no-such-option"),
        (["--set", "web_hostname=a'; touch /tmp/b; : '"], "POSTHORN_WEB_HOSTNAME must be a host"),
        (["--set", "track_domain=track..acme.test"], "POSTHORN_TRACK_DOMAIN must be a host name"),
        (["--target", "aws"], "there is no region"),
        (["--target", "aws", "--region", "eu-west-9"], "AWS has no region 'eu-west-9'"),
        (["--target", "aws", "--endpoint", "http://127.0.0.1:1"], "takes no endpoint"),
        ([*AWS, *SETTINGS, "--set", "kill_at=claim"], "kill_at is for emulators only"),
        ([*AWS, *SETTINGS, "--set", "dns_server=x:1"], "dns_server is for emulators only"),
        ([*AWS, *SETTINGS], "there are no AWS credentials"),
    ],
)
def test_a_wrong_order(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert deployment.main(arguments) == 1
    assert words in said(capsys)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [([], "web_hostname, smtp_hostname"), (SETTINGS[:-2], "spf_include must be set")],
)
def test_what_aws_needs_and_nothing_that_stands_knows(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with mock_aws():
        assert deployment.main([*AWS, *arguments]) == 1
    assert words in said(capsys)


@pytest.mark.parametrize("arguments", [["--prefix", "BAD/.."], ["--colour"]])
def test_a_wrong_order_to_destroy(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert destroying.main(arguments) == 1
    assert said(capsys).startswith("posthorn: ")


@pytest.mark.parametrize("code", ["AccessDenied", "ExpiredToken"])
@pytest.mark.parametrize("option", [[], ["--env"]])
def test_credentials_that_may_say_who_they_are_and_nothing_else(
    code: str, option: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with aws_that_answers(403, sts_error(code), knows_who_asks=True) as endpoint:
        assert deployment.main(["--endpoint", endpoint, *option]) == 1
        assert f"({code})" in (line := said(capsys))
        assert line.endswith("; nothing was changed")
        assert destroying.main(["--endpoint", endpoint]) == 1
        said(capsys)


def test_credentials_that_expire_on_the_way(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """After the order was read, neither the work nor what stands can be asked about."""
    monkeypatch.setattr(deployment, "read", lambda *_: CurrentState())
    monkeypatch.setattr(
        deployment,
        "complete",
        lambda _requested, _state, target, prefix, _say: SimpleNamespace(
            target=target, prefix=prefix, parameters={}, pools=("default",), settings={}
        ),
    )
    with aws_that_answers(403, sts_error("ExpiredToken"), knows_who_asks=True) as endpoint:
        assert deployment.main(["--endpoint", endpoint]) == 1
    assert "what stands cannot be told (" in said(capsys)


@pytest.mark.parametrize("code", ["InvalidClientTokenId", "SignatureDoesNotMatch", "ExpiredToken"])
def test_wrong_credentials(code: str, capsys: pytest.CaptureFixture[str]) -> None:
    with aws_that_answers(403, sts_error(code)) as endpoint:
        for main in (deployment.main, destroying.main):
            assert main(["--endpoint", endpoint]) == 1
            assert said(capsys) == (
                f"posthorn: {endpoint} does not accept these credentials ({code})"
            )


def test_something_that_is_no_aws(capsys: pytest.CaptureFixture[str]) -> None:
    with aws_that_answers(200, "hello") as endpoint:
        assert deployment.main(["--endpoint", endpoint]) == 1
        assert f"{endpoint} " in said(capsys)


def test_an_endpoint_in_the_environment_never_mixes_with_aws(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(WrongOrder, match="unset AWS_ENDPOINT_URL"):
        find_target("aws", {"AWS_ENDPOINT_URL": "http://127.0.0.1:4566", "AWS_REGION": "eu-west-1"})
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    client = find_target("aws", {"AWS_REGION": "eu-west-1"}).client("sqs")
    assert client.meta.endpoint_url == "https://sqs.eu-west-1.amazonaws.com"


@pytest.mark.aws
@pytest.mark.parametrize(
    ("parameter", "words"),
    [
        ("NoSuchParameter=1", "no template has a parameter NoSuchParameter"),
        ("ApiBurst=0", "the parameter ApiBurst cannot be 0"),
        ("LogRetentionDays=month", "the parameter LogRetentionDays is a whole number"),
        ("ApiDomain=api.acme.test", "ApiDomain and ApiCertificateArn need each other"),
        ("ApiCertificateArn=arn:aws:acm:x", "say --parameter ApiDomain=… too"),
    ],
)
def test_a_wrong_parameter_is_found_before_anything_is_made(
    target: Target,
    parameter: str,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from infra.templates import load

    class Unpacked:
        template = load("functions.merge.yaml")

    prefix = random_prefix()
    monkeypatch.setattr(packaging, "build", lambda *_: Unpacked)
    command = ["--endpoint", target.endpoint, "--prefix", prefix, "--parameter", parameter]
    assert deployment.main(command) == 1
    assert words in capsys.readouterr().err
    assert stacks_of(target, prefix) == {}


PINNED = f"registry.example/posthorn-gateway@sha256:{'0123456789abcdef' * 4}"
TAGGED = "registry.example/posthorn-gateway:1"


def order_of(package: Package, **more: Any) -> Order:
    target = Target("aws", "", "us-east-1", ("test", "test"))
    return Order(target, "posthorn", package, **more)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"image": PINNED}, "the gateway needs a certificate: say --parameter TlsSecretArn=arn"),
        (
            {"image": PINNED, "parameters": {"TlsSecretArn": ""}},
            "TlsSecretArn=self-signed for one that mail servers take and mail clients refuse",
        ),
        ({"image": TAGGED}, "--gateway takes an image by its digest"),
        ({"image": TAGGED, "parameters": {"TlsSecretArn": "arn:aws:x"}}, "another image tomorrow"),
        ({"image": f"{PINNED}0"}, "--gateway takes an image by its digest"),
        ({"image": PINNED.replace("@sha256:", ":1@sha512:")}, "--gateway takes an image by its"),
        ({"egress_image": TAGGED}, "--egress-image takes an image by its digest"),
    ],
)
def test_a_gateway_needs_a_certificate_and_an_image_that_stays_the_same(
    asked: dict[str, Any], words: str
) -> None:
    nothing = cast("Package", None)
    with pytest.raises(WrongOrder, match=re.escape(words)):
        check_gateway(order_of(nothing, **asked))
    emulated = replace(order_of(nothing, **asked), target=Target("local", "http://x", "us-east-1"))
    check_gateway(emulated)


@pytest.mark.parametrize("secret", ["arn:aws:secretsmanager:eu-west-1:1:secret:tls", "self-signed"])
def test_a_gateway_whose_certificate_is_said_is_no_wrong_order(secret: str) -> None:
    parameters = {"TlsSecretArn": secret}
    order = order_of(cast("Package", None), image=PINNED, egress_image=PINNED)
    check_gateway(replace(order, parameters=parameters))
    check_gateway(order_of(cast("Package", None)))
