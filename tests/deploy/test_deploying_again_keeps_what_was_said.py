"""A later `make deploy` says less than the first and drops nothing; `--env` asks and changes nothing."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra import deploy as deployment
from infra import package as packaging
from infra.current_state import read
from infra.destroy import destroy
from infra.outputs import show_environment
from infra.targets import Target
from tests.deploy.installation import PackageOf, random_prefix

pytestmark = [pytest.mark.aws, pytest.mark.slow]

CERTIFICATE = "arn:aws:acm:us-east-1:000000000000:certificate/6f7a1f0e"
SAID = {
    "AlarmEmail": "you@acme.test",
    "ApiDomain": "posthorn.acme.test",
    "ApiCertificateArn": CERTIFICATE,
    "TrackDomainNames": "track.acme.test",
    "TrackCertificateArn": CERTIFICATE,
    "GatewayScaling": "false",
    "GatewayMemory": "2048",
}
IMAGE = "registry.example/posthorn-gateway:1"


@pytest.fixture
def prefix(target: Target, package_of: PackageOf, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A prefix, whose packages are built already."""
    for pools in (("default",), ("default", "bulk")):
        package_of(*pools)
    monkeypatch.setattr(packaging, "build", lambda pools, _: package_of(*pools))
    for name in ("POSTHORN_POOLS", "POSTHORN_MAX_ATTEMPTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("POSTHORN_STATE", "/nonexistent")
    made = random_prefix()
    yield made
    destroy(target, made, lambda _: None)


def command(target: Target, prefix: str, *more: str) -> list[str]:
    return ["--endpoint", target.endpoint, "--prefix", prefix, *more]


def parameters(*pairs: str) -> list[str]:
    return [part for pair in pairs for part in ("--parameter", pair)]


def stacks(target: Target, prefix: str) -> dict[str, Any]:
    """Everything that CloudFormation says of the installation's stacks."""
    client = target.client("cloudformation")
    return {
        part: client.describe_stacks(StackName=f"{prefix}-{part}")["Stacks"][0]
        for part in ("data", "network", "functions", "tracking", "gateway")
    }


def test_what_is_not_said_again_stays(
    target: Target, prefix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    full = [
        *parameters(*(f"{name}={value}" for name, value in SAID.items())),
        *("--pools", "default bulk", "--set", "max_attempts=5", "--gateway", IMAGE),
    ]
    assert deployment.main(command(target, prefix, *full)) == 0
    printed = capsys.readouterr().out
    for name in ("ApiDomainTarget", "GatewayAddress", "TrackTarget"):
        assert f" ({name})" in printed, "docs/deploy.md tells people to put it into their DNS"
    before = read(target, prefix)
    assert (before.parameters, before.settings) == (SAID, {"max_attempts": "5"})
    assert (before.pools, before.image) == (("default", "bulk"), IMAGE)
    standing = stacks(target, prefix)

    assert deployment.main(command(target, prefix)) == 0
    said = capsys.readouterr().err
    for line in ("--parameter AlarmEmail=you@acme.test", '--pools "default bulk"'):
        assert f"as before: {line}\n" in said
    assert f"as before: --gateway {IMAGE}\n" in said
    assert "updating" not in said
    assert stacks(target, prefix) == standing

    back = command(
        target, prefix, *parameters("AlarmEmail=", "ApiDomain="), "--set", "max_attempts="
    )
    assert deployment.main([*back, "--pools", "default"]) == 0
    after = read(target, prefix)
    assert after.parameters.keys() == SAID.keys() - {"AlarmEmail", "ApiDomain", "ApiCertificateArn"}
    assert (after.pools, after.settings) == (("default",), {})


def test_asking_for_the_environment_changes_nothing(
    target: Target,
    prefix: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked = command(target, prefix, "--env")
    assert deployment.main(asked) == 1
    assert capsys.readouterr().err.startswith(f"posthorn: there is no installation {prefix!r} at ")
    said = ("--set", "max_attempts=5", *parameters("AlarmEmail=you@acme.test"))
    assert deployment.main(command(target, prefix, *said)) == 0
    client, name = target.client("cloudformation"), f"{prefix}-data"
    before = client.describe_stack_events(StackName=name)["StackEvents"]
    capsys.readouterr()

    def build(*_: object) -> None:
        raise AssertionError("nothing is packaged")

    monkeypatch.setattr(packaging, "build", build)
    assert deployment.main(asked) == 0
    lines = capsys.readouterr().out.splitlines()
    assert f"export POSTHORN_MAIL_TABLE={prefix}-mail" in lines
    assert "export POSTHORN_MAX_ATTEMPTS=5" in lines
    assert f"export AWS_ENDPOINT_URL={target.endpoint}" in lines
    assert client.describe_stack_events(StackName=name)["StackEvents"] == before


def test_a_shell_reads_each_value_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    touched = tmp_path / "touched"
    value = f"a'; touch {touched}; : '$(touch {touched})"
    show_environment({"POSTHORN_DKIM_IDENTIFIER": value})
    script = f'{capsys.readouterr().out}printf %s "$POSTHORN_DKIM_IDENTIFIER"'
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == value
    assert not touched.exists()


def test_a_bucket_of_ones_own_and_the_zips_beside_it(
    target: Target, prefix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The name of the zips' bucket has the account's number whatever the other is called: names are the world's."""
    mine = f"{random_prefix()}-mail"
    assert deployment.main(command(target, prefix, *parameters(f"BucketName={mine}"))) == 0
    outputs = read(target, prefix).outputs
    account = target.identify()
    assert (outputs["Bucket"], outputs["CodeBucket"]) == (mine, f"{prefix}-code-{account}")
    assert deployment.main(command(target, prefix)) == 0
    assert read(target, prefix).outputs["Bucket"] == mine
    assert f"Bucket       {mine}" in capsys.readouterr().out
