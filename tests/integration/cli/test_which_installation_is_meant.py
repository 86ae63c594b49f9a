"""The command talks to what it is told, by what it is told: options, variables, a profile, storage, the local stack."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from chalicelib import bootstrap
from chalicelib.bootstrap import Posthorn
from chalicelib.cli import login as login_module
from chalicelib.cli.failure import Failure
from chalicelib.cli.main import main
from chalicelib.cli.places import Api, Storage, Wish, find_place
from chalicelib.cli.profiles import Profile, profiles_path, read_profiles, write_profiles
from chalicelib.cli.session import Session
from chalicelib.cli.stack import NAME_STORAGE
from infra.local.folder import write_private
from tests.http_api import ApiWorld, serving
from tests.integration.cli.conftest import Outcome, Run

STACK: dict[str, Any] = {
    "http": "http://127.0.0.1:8000",
    "aws": "http://127.0.0.1:4599",
    "smtp": {"host": "127.0.0.1", "mx": 2525, "submission": 2587, "submissions": 2465},
    "dns": "127.0.0.1:5354",
    "management_key": "phm_stack",
    "server": {
        "from": "hello@demo.test",
        "api_key": "ph_stack",
        "smtp_username": "demo/demo",
        "smtp_key": "s",
    },
}


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """One in which nothing is named, with folders of its own."""
    return {"XDG_CONFIG_HOME": str(tmp_path / "config"), "POSTHORN_STATE": str(tmp_path / "state")}


def keep(environment: Mapping[str, str], **profiles: str) -> Path:
    """Profiles whose keys are these."""
    path = profiles_path(environment)
    found = {name: Profile(f"https://{name}.test", key) for name, key in profiles.items()}
    write_profiles(path, found)
    return path


def key_of(environment: Mapping[str, str], wish: Wish | None = None) -> str | None:
    """The key with which an API is asked; None for storage."""
    place = find_place(wish or Wish(), environment)
    return place.key if isinstance(place, Api) else None


def test_what_is_named_more_closely_comes_first(environment: dict[str, str]) -> None:
    folder = Path(environment["POSTHORN_STATE"])
    folder.mkdir(mode=0o700)
    write_private(folder / "stack.json", json.dumps(STACK))
    assert key_of(environment) == "phm_stack"
    environment["AWS_PROFILE"] = "x"
    assert key_of(environment) is None
    keep(environment, default="phm_default", other="phm_other")
    assert key_of(environment) == "phm_default"
    environment["POSTHORN_PROFILE"] = "other"
    assert key_of(environment) == "phm_other"
    environment["POSTHORN_STATE_FOLDER"] = "/var/lib/posthorn"
    assert find_place(Wish(), environment) == Storage()
    environment |= {"POSTHORN_API_URL": "https://a.test", "POSTHORN_API_KEY": "ph_server"}
    assert find_place(Wish(), environment) == Api("https://a.test", "ph_server", has_storage=True)
    environment["POSTHORN_MANAGEMENT_KEY"] = "phm_managing"
    assert key_of(environment) == "phm_managing"
    assert key_of(environment, Wish(profile="default")) == "phm_default"
    assert key_of(environment, Wish(stack=folder / "stack.json")) == "phm_stack"
    assert find_place(Wish(url="https://b.test"), environment).url == "https://b.test"  # type: ignore[union-attr]  # an API
    assert find_place(Wish(local=True), environment) == Storage()


def test_local_opens_the_storage_of_the_stack_that_runs(environment: dict[str, str]) -> None:
    folder = Path(environment["POSTHORN_STATE"])
    folder.mkdir(mode=0o700)
    write_private(folder / "stack.json", json.dumps(STACK))
    place = find_place(Wish(local=True), environment)
    assert isinstance(place, Storage)
    assert place.stack is not None
    nothing = environment | {"POSTHORN_STATE": str(folder / "none")}
    for wish in (Wish(), Wish(local=True)):
        with pytest.raises(Failure, match="posthorn login") as refused:
            find_place(wish, nothing)
        assert NAME_STORAGE in refused.value.public


def test_the_key_of_a_stack_goes_to_an_address_and_not_to_a_name(
    environment: dict[str, str],
) -> None:
    folder = Path(environment["POSTHORN_STATE"])
    folder.mkdir(mode=0o700)
    write_private(folder / "stack.json", json.dumps(STACK | {"http": "http://localhost:8000"}))
    place = find_place(Wish(), environment)
    assert isinstance(place, Api)
    assert place.url == "http://127.0.0.1:8000"
    assert "phm_stack" not in repr(place)
    for host in ("0.0.0.0", "10.0.0.1", "evil.test", "localhost.evil.test"):
        write_private(folder / "stack.json", json.dumps(STACK | {"http": f"http://{host}:8000"}))
        with pytest.raises(Failure, match="its API is not on this machine"):
            find_place(Wish(), environment)


@pytest.mark.parametrize(
    "line",
    [
        ("--url", "http://a.test", "--profile", "x"),
        ("--stack", "x", "--profile", "x"),
        ("--local", "--url", "http://a.test"),
        ("--url", "http://a.test"),
    ],
)
def test_contradictions_and_missing_keys_are_wrong_usage(
    posthorn: Run, line: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("POSTHORN_API_KEY", raising=False)
    assert posthorn(*line, "organization", "list").code == 2


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_profiles_that_others_can_read_are_refused(environment: dict[str, str], mode: int) -> None:
    path = keep(environment, default="phm_x")
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    path.chmod(mode)
    with pytest.raises(Failure, match=r"is not believed: .*chmod"):
        key_of(environment)


def test_a_profile_of_another_user_or_behind_a_link_is_refused(
    environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = keep(environment, default="phm_x")
    real = path.rename(tmp_path / "real")
    path.symlink_to(real)
    with pytest.raises(Failure, match="symbolic link"):
        key_of(environment)
    path.unlink()
    real.rename(path)
    monkeypatch.setattr("chalicelib.cli.own_file.os.geteuid", lambda: os.getuid() + 1)
    with pytest.raises(Failure, match="another user"):
        key_of(environment)


@pytest.mark.parametrize(
    "text",
    ["x", "[default]", '[default]\nurl = "a"', 'default = "x"', "[default]\nurl = 1\nkey = 2", "\xff",
     '[default]\nurl = "a"\nkey = "b"\nmore = "c"'],
)  # fmt: skip
def test_profiles_that_are_not_understood_are_said(environment: dict[str, str], text: str) -> None:
    path = keep(environment)
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(Failure, match="is not understood"):
        key_of(environment)


def test_strange_texts_of_a_profile_come_back(environment: dict[str, str]) -> None:
    path = profiles_path(environment)
    kept = {"a-B_1": Profile('https://x.test/"\\\u2028é\t', "k'\"", "acme/mail")}
    write_profiles(path, kept)
    assert read_profiles(path) == kept


@pytest.fixture
def api(demo: Run, app: Posthorn, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, str]]:
    """An API behind HTTP, and a key that may do everything."""
    key = demo("key", "create", "root", "--scope", "*", "--json").json["key"]
    monkeypatch.setattr("functions.runtime.write_line", lambda _line: None)
    bootstrap.use(app)
    with serving(ApiWorld(cast("Any", SimpleNamespace(posthorn=app)))) as port:
        yield f"http://127.0.0.1:{port}", key
    bootstrap.use(None)


@pytest.fixture
def remote(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command line that can open nothing."""

    def never() -> Posthorn:
        raise AssertionError("opened")

    def run_command(*arguments: str) -> Outcome:
        code = main(arguments, Session(open_installation=never))
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return run_command


def test_one_signs_in_works_and_signs_out(
    api: tuple[str, str], remote: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, key = api
    for name in (*(one for one in os.environ if one.startswith("AWS_")), "POSTHORN_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(login_module.sys, "stdin", SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr(login_module.click, "prompt", lambda *_, **__: f"{key} ")
    signed = remote("login", url)
    assert signed.code == 0, signed.err
    assert key not in signed.out
    assert remote("organization", "list", "--json").json[0]["permalink"] == "demo"
    made = remote("server", "create", "Other", "--json").json
    assert made["server"] == "demo/other"
    assert remote("server", "show").code == 2
    with_tenant = remote("login", url, "--as", "mail", "--tenant", "demo/demo", "--json").json
    assert with_tenant["profile"] == "mail"
    remote("organization", "create", "None")
    assert remote("login", url, "--as", "third", "--tenant", "none").code == 0
    assert "no server yet" in remote("--profile", "third", "server", "show").err
    credentials = remote("--profile", "mail", "credential", "list", "--json")
    assert credentials.json == []
    (newest, *_) = remote("audit", "list", "--organization", "demo", "--json").json["data"]
    assert (newest["actor"]["kind"], newest["actor"]["name"]) == ("key", "root")
    assert remote("audit", "verify", "--organization", "demo").code == 0
    assert remote("tail", "--polls", "1", "--server", "demo/demo").code == 0
    assert remote("logout").code == 0
    assert remote("logout").code == 1
    assert remote("logout", "mail", "--as", "third").code == 2
    assert remote("logout", "mail").out == "Removed the profile mail.\n"
    assert remote("logout", "--as", "third").code == 0


def test_a_key_that_goes_in_the_clear_is_warned_of(
    remote: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTHORN_MANAGEMENT_KEY", "phm_x")
    outcome = remote("login", "http://mail.invalid")
    assert outcome.code == 1
    assert outcome.err.startswith("posthorn: The key goes to http://mail.invalid in the clear")
    assert "in the clear" not in remote("login", "http://127.0.0.1:1").err


def test_a_stack_has_its_own_clock(environment: dict[str, str]) -> None:
    folder = Path(environment["POSTHORN_STATE"])
    folder.mkdir(mode=0o700)
    write_private(folder / "stack.json", json.dumps(STACK))
    session = Session(stack_file=folder / "stack.json")
    assert abs(session.now() - time.time()) < 60
    (folder / "clock").write_text("86400")
    assert session.now() - time.time() > 86_000


def test_a_key_that_nobody_knows_is_not_kept(
    api: tuple[str, str], remote: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTHORN_MANAGEMENT_KEY", "phm_" + "a" * 32 + "_0aB3dE")
    outcome = remote("login", api[0])
    assert outcome.code == 1
    assert not profiles_path(os.environ).exists()
    assert "phm_aaa" not in outcome.err
    assert remote("login", api[0], "--as", "not a name").code == 1


@pytest.mark.parametrize(
    "tenant", ["nope/nope", "nope", "demo/nope", "demo/demo/demo", "demo,demo"]
)
def test_a_tenant_that_nobody_knows_is_not_kept(
    api: tuple[str, str], remote: Run, monkeypatch: pytest.MonkeyPatch, tenant: str
) -> None:
    monkeypatch.setenv("POSTHORN_MANAGEMENT_KEY", api[1])
    outcome = remote("login", api[0], "--tenant", tenant)
    assert (outcome.code, outcome.err.count("\n")) == (1, 1)
    assert not profiles_path(os.environ).exists()
    assert remote("login", api[0], "--tenant", "demo").code == 0


def test_a_key_that_may_not_read_domains_is_kept_with_its_tenant(
    api: tuple[str, str], demo: Run, remote: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = ("key", "create", "ci", "--organization", "demo", "--scope", "emails:send", "--json")
    monkeypatch.setenv("POSTHORN_MANAGEMENT_KEY", demo(*line).json["key"])
    assert remote("login", api[0], "--tenant", "demo/demo").code == 0
    assert remote("login", api[0], "--tenant", "demo/nope").code == 1


def test_a_server_key_needs_no_server_and_may_send(
    api: tuple[str, str], demo: Run, remote: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = demo("credential", "create", "web", "--kind", "API", "--json").json["key"]
    monkeypatch.setenv("POSTHORN_API_URL", api[0])
    monkeypatch.setenv("POSTHORN_API_KEY", key)
    sent = remote(
        "send", "--from", "a@demo.example", "--to", "b@example.com", "--text", "x", "--json"
    ).json
    assert sent["messages"] == sent["emails"]
    (listed,) = remote("message", "list", "--json").json["messages"]
    assert listed["rcpt_to"] == listed["to"] == "b@example.com"
    refused = remote("organization", "list")
    assert (refused.code, refused.err) == (1, "posthorn: This needs the scope people:read.\n")


def test_storage_sends_as_the_operator(demo: Run) -> None:
    sent = demo(
        "send", "--from", "a@demo.example", "--to", "b@example.com", "--text", "x", "--json"
    ).json
    shown = demo("message", "show", str(sent["id"]), "--json").json
    assert shown["mail_from"] == "a@demo.example"


def test_an_api_that_is_away_is_one_sentence_and_names_local(
    remote: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTHORN_MANAGEMENT_KEY", "phm_x")
    away = remote("--url", "http://127.0.0.1:1", "organization", "list")
    assert (away.code, away.err) == (
        1,
        "posthorn: http://127.0.0.1:1 cannot be reached: Connection refused; to open its storage instead,"
        f" {NAME_STORAGE}.\n",
    )
    elsewhere = remote("--url", "http://mail.invalid:1", "organization", "list")
    assert (elsewhere.code, "storage" in elsewhere.err) == (1, False)
    monkeypatch.setenv("POSTHORN_STATE_FOLDER", "/var/lib/posthorn")
    away = remote("--url", "http://127.0.0.1:1", "organization", "list")
    assert away.err.endswith("refused; with --local the storage itself is opened.\n")
    assert remote("--url", "nonsense", "organization", "list").code == 1


def test_the_audit_log_names_who_opened_the_storage(demo: Run) -> None:
    import pwd

    line = ("audit", "list", "--organization", "demo", "--action", "server.create", "--json")
    (newest,) = demo(*line).json["data"]
    account = pwd.getpwuid(os.geteuid()).pw_name
    assert newest["actor"] == {"kind": "system", "id": None, "name": account}
