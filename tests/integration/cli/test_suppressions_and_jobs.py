"""`posthorn suppression` and `posthorn job`: lists changed by hand, files in and out, jobs waited for or not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from email.message import Message
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request

import pytest

from chalicelib import bootstrap
from chalicelib.cli import jobs, suppressions
from chalicelib.cli.failure import Failure
from chalicelib.cli.fetching import answer_to
from chalicelib.cli.main import main
from chalicelib.cli.session import Session
from chalicelib.domain.numbering import ServerId
from chalicelib.ports.blobs import BlobStore
from chalicelib.services.jobs.run import RunJobs
from tests.http_api import ApiWorld, api_world


@pytest.fixture
def api() -> Iterator[ApiWorld]:
    with api_world() as world:
        yield world


@pytest.fixture(autouse=True)
def worked_off(api: ApiWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody works on jobs while the command waits, which opens the storage itself."""
    monkeypatch.setenv("POSTHORN_STATE_FOLDER", "what the test opens")
    monkeypatch.setattr("functions.runtime.write_line", lambda _line: None)
    monkeypatch.setattr(jobs, "pause", lambda _: bootstrap.run(api.scene.posthorn[RunJobs].run(5)))


def run(api: ApiWorld, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    code = main(["--local", *words], Session(open_installation=lambda: api.scene.posthorn))
    said = capsys.readouterr()
    return code, said.out + said.err


def as_json(api: ApiWorld, capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    code, out = run(api, capsys, "--json", *words)
    assert code == 0, out
    return json.loads(out)


def test_a_list_is_changed_by_hand(api: ApiWorld, capsys: pytest.CaptureFixture[str]) -> None:
    made = as_json(api, capsys, "suppression", "add", "Bob@x.example", "--note", "asked")
    assert (made["address"], made["note"], made["scope"]) == ("bob@x.example", "asked", "server")
    as_json(api, capsys, "suppression", "add", "*@y.example", "--organization", "acme")
    as_json(
        api,
        capsys,
        "suppression",
        "add",
        "bob@x.example",
        "--stream",
        "broadcast",
        "--never-expires",
    )
    listed = as_json(api, capsys, "suppression", "list")["data"]
    assert sorted((one["address"], one["scope"]) for one in listed) == [
        ("*@y.example", "organization"),
        ("bob@x.example", "server"),
        ("bob@x.example", "stream"),
    ]
    assert len(as_json(api, capsys, "suppression", "list", "--scope", "stream")["data"]) == 1
    _, text = run(api, capsys, "suppression", "show", "bob@x.example")
    assert "added by hand" in text
    assert "asked" in text
    assert run(api, capsys, "suppression", "remove", "bob@x.example", "--note", "sorry")[0] == 0
    assert run(api, capsys, "suppression", "remove", "bob@x.example")[0] != 0


def test_a_file_goes_in_and_out(
    api: ApiWorld, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "list.csv"
    file.write_text("address,reason\na@x.example,bounce\nb@x.example,complaint\n")
    code, text = run(api, capsys, "suppression", "import", str(file), "--dry-run")
    assert (code, text.splitlines()[0]) == (0, "It would be about 2.")
    job = as_json(api, capsys, "suppression", "import", str(file))
    assert (job["status"], job["result"]["added"]) == ("done", 2)
    file.write_text("address\nnobody\nc@x.example\n")
    code, text = run(api, capsys, "suppression", "import", str(file))
    assert code == 1
    assert "Line 2 has no e-mail address" in text
    job = as_json(api, capsys, "suppression", "export", "--reason", "bounce")
    assert job["result"]["rows"] == 1
    listed = as_json(api, capsys, "job", "list")["data"]
    assert sorted(one["type"] for one in listed) == [
        "export",
        "import_suppressions",
        "import_suppressions",
    ]
    assert as_json(api, capsys, "job", "show", job["id"])["id"] == job["id"]


def test_nobody_has_to_wait(
    api: ApiWorld, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "list.csv"
    file.write_text("address\na@x.example\n")
    job = as_json(api, capsys, "suppression", "import", str(file), "--no-wait")
    assert job["status"] == "queued"
    assert as_json(api, capsys, "job", "stop", job["id"])["status"] == "stopped"
    bootstrap.run(api.scene.posthorn[RunJobs].run(5))
    assert as_json(api, capsys, "job", "show", job["id"])["status"] == "stopped"


def test_what_is_no_utf_8_is_brought_as_it_is(
    api: ApiWorld,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its good rows are listed, and a file of another encoding is told as such."""

    def taken(request: Request) -> bytes:
        server, upload = request.selector.split("/")[2:4]
        blobs, now = api.scene.posthorn[BlobStore], api.scene.clock.now()
        assert isinstance(request.data, bytes)
        bootstrap.run(blobs.bring(ServerId(int(server)), upload, request.data, now))
        return b""

    monkeypatch.setattr(suppressions, "answer_to", taken)
    file = tmp_path / "list.csv"
    file.write_bytes(b"address,note\na@x.example,caf\xe9\nb@x.example,x\n")
    code, text = run(api, capsys, "suppression", "import", str(file))
    assert code == 1
    assert "Line 2 is not UTF-8" in text
    assert "Added    1\n" in text
    file.write_bytes("address\na@x.example\n".encode("utf-16"))
    code, text = run(api, capsys, "suppression", "import", str(file))
    assert (code, "The file is UTF-16; it must be UTF-8" in text) == (1, True), text


def test_where_files_are_brought_nobody_answers(
    api: ApiWorld,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def nobody(*_: object) -> None:
        raise URLError(ConnectionRefusedError(111, "Connection refused"))

    monkeypatch.setattr("urllib.request.urlopen", nobody)
    file = tmp_path / "list.csv"
    file.write_bytes(b"address\n" + b"a@x.example\n" * 300_000)
    for words in (("import", str(file)), ("export", str(file))):
        code, text = run(api, capsys, "suppression", *words)
        assert code == 1
        assert "where nobody answers ([Errno 111] Connection refused)." in text


def test_a_file_that_is_refused_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(request: Request) -> None:
        raise HTTPError(request.full_url, 403, "Forbidden", Message(), None)

    monkeypatch.setattr("urllib.request.urlopen", refused)
    with pytest.raises(Failure, match=r"^files\.example:8443 refused the file: 403 Forbidden$"):
        answer_to(Request("https://files.example:8443/u/1/x/9"))


def test_many_messages_are_held_looked_at_and_released(
    api: ApiWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    sent = {"from": "app@acme.test", "to": "john@example.com", "text": "x", "subject": "x"}
    numbers = [api.v2("POST", "/emails", {**sent, "tag": "t"}).json["id"] for _ in range(3)]
    other = api.v2("POST", "/emails", sent).json["id"]
    code, text = run(api, capsys, "message", "hold", "--q", "tag:t", "--dry-run")
    assert (code, text.splitlines()[0]) == (0, "It would be about 3.")
    held = as_json(api, capsys, "message", "hold", "--q", "tag:t")
    assert (held["status"], held["done"]) == ("done", 3)
    looked = as_json(api, capsys, "message", "release", "--all", "--dry-run")
    assert looked["skipped"] == [{"detail": "It is not held", "count": 1}]
    code, text = run(api, capsys, "message", "release", "--all", "--dry-run")
    assert text.splitlines()[1] == "1: It is not held"
    code, text = run(api, capsys, "message", "release", "--all", "--note", "looked at")
    assert code == 1
    assert f"Message {other} is not held" in text
    cancelled = as_json(api, capsys, "message", "cancel", str(numbers[0]))
    assert cancelled["status"] == "HoldCancelled"
    job = as_json(api, capsys, "message", "hold", "--status", "queued", "--no-wait")
    assert job["status"] == "queued"
    for wrong in (["hold"], ["hold", "1", "--all"], ["hold", "1", "--dry-run"]):
        assert run(api, capsys, "message", *wrong)[0] == 2
    assert run(api, capsys, "message", "hold", "--q", "colour:red")[0] == 1
    assert run(api, capsys, "message", "replay", "--all", "--endpoint", "nobody")[0] != 0
