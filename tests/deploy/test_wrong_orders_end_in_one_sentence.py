"""Whatever is wrong with a deployment ends in one clear sentence and exit code 1, before anything is made."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from infra import deploy as deployment
from infra import destroy as destroying
from infra import package as packaging
from infra.targets import Target, WrongOrder, find_target, stacks_of
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
def aws_that_answers(status: int, body: str) -> Iterator[str]:
    """An endpoint that answers everything alike; its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # the name that http.server looks for
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(status)
            self.send_header("Content-Type", "text/xml")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

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
        (["--egress-host", "bulk=3:2"], "there is no pool 'bulk' to have an egress host"),
        (["--egress-host", "default=3"], "needs :1 to :8 addresses"),
        (["--egress-host", "default=16:2"], "needs a number of its own from 2 to 15"),
        (["--egress-host", "default"], "--egress-host takes NAME=VALUE"),
        (["--target", "aws"], "there is no region"),
        (["--target", "aws", "--region", "eu-west-9"], "AWS has no region 'eu-west-9'"),
        (["--target", "aws", "--endpoint", "http://127.0.0.1:1"], "takes no endpoint"),
        (AWS, "web_hostname, smtp_hostname"),
        ([*AWS, *SETTINGS[:-2]], "spf_include must be set"),
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
        ("RawRetentionDays=3", "the parameter RawRetentionDays cannot be 3"),
        ("LogRetentionDays=month", "the parameter LogRetentionDays is a whole number"),
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
