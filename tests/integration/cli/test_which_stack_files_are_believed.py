"""A folder may come from anywhere: its `stack.json` starts no program and leads to this machine only."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from chalicelib.bootstrap import Posthorn
from chalicelib.cli import stack as stack_module
from chalicelib.cli.main import main
from chalicelib.cli.session import Session
from chalicelib.cli.stack import NoStack, find_stack, read_stack
from chalicelib.config import read_settings

KEY = {"AWS_ACCESS_KEY_ID": "POSTHORN0123456789", "AWS_SECRET_ACCESS_KEY": "secret"}
ENVIRONMENT = {
    **KEY,
    "AWS_ENDPOINT_URL": "http://127.0.0.1:4599",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "POSTHORN_RETURN_PATH_DOMAIN": "rp.local.test",
    "POSTHORN_MAX_CONNECTIONS_PER_CLIENT": "1000",
    "POSTHORN_DNS_SERVER": "127.0.0.1:5354",
}
FACTS: dict[str, Any] = {
    "http": "http://127.0.0.1:8000",
    "aws": "http://127.0.0.1:4599",
    "smtp": {"host": "127.0.0.1", "mx": 2525, "submission": 2587, "submissions": 2465},
    "dns": "127.0.0.1:5354",
    "server": {
        "from": "hello@demo.test",
        "api_key": "k",
        "smtp_username": "demo/demo",
        "smtp_key": "s",
    },
    "environment": ENVIRONMENT,
}
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a stack.json with other facts or other variables; its path."""

    def write_facts(environment: dict[str, Any] | None = None, **facts: Any) -> Path:
        folder = tmp_path / "state"
        folder.mkdir(mode=0o700, exist_ok=True)
        path = folder / "stack.json"
        path.write_text(json.dumps({**FACTS, "environment": environment or ENVIRONMENT, **facts}))
        path.chmod(0o600)
        return path

    return write_facts


@pytest.fixture
def clean(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A process environment without AWS and Posthorn, put back afterwards."""
    before = dict(os.environ)
    for name in [name for name in before if name.startswith(("AWS_", "POSTHORN_"))]:
        monkeypatch.delenv(name)
    yield
    for name in set(os.environ) - set(before):
        monkeypatch.delenv(name)


def run(path: Path, app: Posthorn) -> dict[str, str]:
    """The environment in which the command opens its installation."""
    seen: dict[str, str] = {}

    def opened() -> Posthorn:
        seen.update(os.environ)
        return app

    before = dict(os.environ)
    try:
        session = Session(open_installation=opened)
        assert main(["--local", "--stack", str(path), "organization", "list"], session) == 0
    finally:
        os.environ.clear()
        os.environ.update(before)
    return seen


def test_what_make_run_writes_is_believed(write: Write) -> None:
    found = read_stack(write())
    assert (found.http, found.host, found.submission) == (
        "http://127.0.0.1:8000",
        "127.0.0.1",
        2587,
    )
    assert found.environment["AWS_ACCESS_KEY_ID"] == "POSTHORN0123456789"
    assert found.environment["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4599"
    assert "secret" not in repr(found)


@pytest.mark.parametrize(
    "name",
    [
        "AWS_CONFIG_FILE",
        "AWS_SHARED_CREDENTIALS_FILE",
        "AWS_PROFILE",
        "AWS_DEFAULT_PROFILE",
        "AWS_SESSION_TOKEN",
        "AWS_ROLE_ARN",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN",
        "AWS_ENDPOINT_URL_S3",
        "AWS_ENDPOINT_URL_DYNAMODB",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
        "AWS_CA_BUNDLE",
        "AWS_DATA_PATH",
        "BOTO_CONFIG",
        "http_proxy",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "NO_PROXY",
        "PATH",
        "LD_PRELOAD",
        "PYTHONPATH",
        "HOME",
        "posthorn_api_key",
        "",
    ],
)
def test_a_file_that_sets_anything_but_posthorns_settings_is_refused(
    write: Write, name: str
) -> None:
    path = write({**ENVIRONMENT, name: "x"})
    with pytest.raises(
        NoStack, match=r"is not believed: it sets .*, which is no setting of Posthorn"
    ):
        read_stack(path)


@pytest.mark.parametrize(
    "name",
    [
        "POSTHORN_API_KEY",
        "POSTHORN_SMTP_KEY",
        "POSTHORN_SOURCE_PASSWORD",
        "POSTHORN_DEBUG",
        "POSTHORN_STATE",
        "POSTHORN_KILL_AT",
        "POSTHORN_CLOCK_FILE",
    ],
)
def test_what_is_no_setting_of_an_installation_is_left_alone(
    write: Write, name: str, app: Posthorn, clean: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write({**ENVIRONMENT, name: "/dev/zero"})
    monkeypatch.setenv("POSTHORN_API_KEY", "mine")
    seen = run(path, app)
    assert "/dev/zero" not in seen.values()
    assert seen["POSTHORN_API_KEY"] == "mine"
    settings = read_settings(seen)
    assert settings.clock_file == str(path.parent / "clock")
    assert (settings.kill_at, settings.return_path_domain) == ("", "rp.local.test")


ELSEWHERE = [
    "evil.example",
    "0.0.0.0",
    "10.0.0.1",
    "169.254.169.254",
    "[::]",
    "[fd00::1]",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "127.1",
    "127.999.0.1",
    "2130706433",
    "127.0.0.1@evil.example",
    "evil.example#@127.0.0.1",
    "evil.example\\@127.0.0.1",
    "",
]


@pytest.mark.parametrize("host", ELSEWHERE)
def test_addresses_elsewhere_are_refused(write: Write, host: str) -> None:
    cases: list[tuple[str, dict[str, Any]]] = [
        ("API", {"http": f"http://{host}:8000"}),
        ("SMTP server", {"smtp": {**FACTS["smtp"], "host": host.strip("[]")}}),
        ("AWS endpoint", {"aws": f"http://{host}:4566"}),
        (
            "AWS endpoint",
            {"environment": {**ENVIRONMENT, "AWS_ENDPOINT_URL": f"http://{host}:4566"}},
        ),
        (
            "DNS server",
            {"environment": {**ENVIRONMENT, "POSTHORN_DNS_SERVER": f"{host}:53"}},
        ),
    ]
    for what, facts in cases:
        with pytest.raises(NoStack, match=f"is not believed: its {what} is not on this machine"):
            read_stack(write(**facts))


@pytest.mark.parametrize(
    "http",
    [
        "http://127.0.0.1:8000/x",
        "http://127.0.0.1:8000?x",
        "ftp://127.0.0.1:8000",
        "//127.0.0.1:8000",
        "http://127.0.0.1:8000 ",
        "http://127.0.0.1:123456",
        "http://user@127.0.0.1:8000",
        "http://127.0.0.1:8000\nX: y",
    ],
)
def test_an_address_is_host_and_port_and_nothing_else(write: Write, http: str) -> None:
    with pytest.raises(NoStack, match="its API is not on this machine"):
        read_stack(write(http=http))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.10", "localhost", "[::1]"])
def test_addresses_of_this_machine_are_believed(write: Write, host: str) -> None:
    here = f"http://{host}:4566"
    environment = {**ENVIRONMENT, "AWS_ENDPOINT_URL": here, "POSTHORN_DNS_SERVER": f"{host}:53"}
    smtp = {**FACTS["smtp"], "host": host.strip("[]")}
    found = read_stack(write(environment, http=here, aws=here, smtp=smtp))
    assert found.http == found.environment["AWS_ENDPOINT_URL"] == here
    assert found.environment["POSTHORN_DNS_SERVER"] == f"{host}:53"


@pytest.mark.parametrize(
    "half",
    [
        {"AWS_ACCESS_KEY_ID": ""},
        {"AWS_SECRET_ACCESS_KEY": ""},
        {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""},
    ],
)
def test_an_empty_key_is_refused_for_it_would_make_aws_look_elsewhere(
    write: Write, half: dict[str, str]
) -> None:
    with pytest.raises(NoStack, match="half of its AWS key is missing"):
        read_stack(write({**ENVIRONMENT, **half}))


def test_half_a_key_is_refused_and_none_is_any(write: Write) -> None:
    for missing in KEY:
        environment = {name: value for name, value in ENVIRONMENT.items() if name != missing}
        with pytest.raises(NoStack, match="half of its AWS key is missing"):
            read_stack(write(environment))
    without = {name: value for name, value in ENVIRONMENT.items() if name not in KEY}
    assert read_stack(write(without)).environment["AWS_ACCESS_KEY_ID"] == "posthorn"


@pytest.mark.parametrize("value", ["a\0b", "a\nb", "\ud800"])
def test_a_value_that_no_variable_can_have_is_refused(write: Write, value: str) -> None:
    with pytest.raises(NoStack, match="does not describe a running local stack"):
        read_stack(write({**ENVIRONMENT, "POSTHORN_WEB_HOSTNAME": value}))


def test_brackets_without_end_are_refused(write: Write) -> None:
    path = write()
    path.write_text("[" * 100_000)
    with pytest.raises(NoStack, match="does not describe a running local stack"):
        read_stack(path)


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_may_write_is_refused(write: Write, mode: int) -> None:
    path = write()
    path.chmod(mode)
    with pytest.raises(NoStack, match="is not believed: others may write to it; chmod go-w"):
        read_stack(path)


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o1777])
def test_a_file_in_a_folder_that_others_may_write_is_refused(write: Write, mode: int) -> None:
    path = write()
    path.parent.chmod(mode)
    with pytest.raises(NoStack, match="is not believed: others may write to its folder"):
        read_stack(path)


def test_a_file_of_another_user_is_refused(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write()
    monkeypatch.setattr("chalicelib.cli.own_file.os.geteuid", lambda: os.getuid() + 1)
    with pytest.raises(NoStack, match="is not believed: its folder belongs to another user"):
        read_stack(path)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a file away")
def test_a_file_that_another_user_owns_in_a_folder_of_ours_is_refused(write: Write) -> None:
    path = write()
    os.chown(path, 12_345, -1)
    with pytest.raises(NoStack, match="is not believed: it belongs to another user"):
        read_stack(path)


def test_a_link_a_folder_and_a_pipe_are_refused(write: Write, tmp_path: Path) -> None:
    path = write()
    real = path.rename(tmp_path / "real.json")
    path.symlink_to(real)
    with pytest.raises(NoStack, match="is not believed: it is a symbolic link"):
        read_stack(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(NoStack, match="is not believed: it is no file"):
        read_stack(path)
    path.rmdir()
    os.mkfifo(path, 0o600)  # and its reader does not wait for a writer
    with pytest.raises(NoStack, match="is not believed: it is no file"):
        read_stack(path)


def test_a_huge_file_is_refused(write: Write) -> None:
    path = write(filler="x" * 2_000_000)
    with pytest.raises(NoStack, match="is not believed: it is too large"):
        read_stack(path)


def test_a_refusal_is_one_sentence_at_the_terminal(
    write: Write, clean: None, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write({**ENVIRONMENT, "AWS_CONFIG_FILE": ".local/c\x1b[2J"})
    assert main(["--stack", str(path), "message", "list"], Session()) == 1
    said = capsys.readouterr().err
    assert said == (
        f"posthorn: {path} is not believed: it sets 'AWS_CONFIG_FILE', which is no setting of Posthorn.\n"
    )


def test_nothing_that_the_process_said_of_aws_remains_beside_a_stack(
    write: Write, app: Posthorn, clean: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ran = tmp_path / "RAN"
    config = tmp_path / "config"
    config.write_text(f"[profile x]\ncredential_process = touch {ran}\n")
    said = {
        "AWS_CONFIG_FILE": str(config),
        "AWS_PROFILE": "x",
        "AWS_SESSION_TOKEN": "t",
        "AWS_ENDPOINT_URL_DYNAMODB": "http://evil.example",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
        "AWS_ROLE_ARN": "arn:aws:iam::1:role/x",
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(config),
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://evil.example",
        "http_proxy": "http://evil.example:3128",
        "no_proxy": "other.example",
    }
    for name, value in said.items():
        monkeypatch.setenv(name, value)
    seen = run(write(), app)
    assert {name for name in seen if name.startswith("AWS_")} == {
        *KEY,
        "AWS_ENDPOINT_URL",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "AWS_EC2_METADATA_DISABLED",
        "AWS_CONFIG_FILE",
        "AWS_SHARED_CREDENTIALS_FILE",
    }
    assert seen["AWS_CONFIG_FILE"] == seen["AWS_SHARED_CREDENTIALS_FILE"] == os.devnull
    assert seen["NO_PROXY"] == seen["no_proxy"] == "*"
    assert not ran.exists()


@pytest.mark.parametrize(
    "name",
    [
        "AWS_ENDPOINT_URL_SQS",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_ROLE_ARN",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_PROFILE",
    ],
)
def test_an_environment_that_names_aws_is_never_overruled_by_a_folder(
    write: Write, name: str
) -> None:
    state = str(write().parent)
    assert find_stack({"POSTHORN_STATE": state, name: "x"}, None) is None
    assert find_stack({"POSTHORN_STATE": state, name: ""}, None) is not None


def test_the_repositorys_own_stack_comes_before_that_of_the_current_folder(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository, here = tmp_path / "repository", tmp_path / "here"
    for place, http in ((repository, "http://127.0.0.1:8001"), (here, "http://127.0.0.1:8002")):
        place.mkdir()
        write(http=http).parent.rename(place / ".local")
    monkeypatch.setattr(stack_module, "REPOSITORY", repository)
    monkeypatch.chdir(here)
    found = find_stack({}, None)
    assert found is not None
    assert found.http == "http://127.0.0.1:8001"
    (repository / ".local" / "stack.json").unlink()
    found = find_stack({}, None)
    assert found is not None
    assert found.http == "http://127.0.0.1:8002"
    # One that is there and not believed does not make room for the next.
    (repository / ".local" / "stack.json").symlink_to(here / ".local" / "stack.json")
    with pytest.raises(NoStack, match="symbolic link"):
        find_stack({}, None)
