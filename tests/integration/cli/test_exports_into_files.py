"""`posthorn export`: lists into files that are gone on with, and events behind those that a file has."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import click
import pytest

from chalicelib import bootstrap
from chalicelib.cli import fetching, following, jobs
from chalicelib.cli.main import main
from chalicelib.cli.session import Session
from chalicelib.services.jobs.run import RunJobs
from onehost.upkeep import Upkeep
from tests.http_api import ApiWorld, api_world
from tests.integration.api.test_v2_jobs import file_of

SENT = {"from": "app@acme.test", "to": "john@example.com", "text": "x", "subject": "x"}


@pytest.fixture
def api() -> Iterator[ApiWorld]:
    with api_world() as world:
        yield world


@pytest.fixture(autouse=True)
def worked_off(api: ApiWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTHORN_STATE_FOLDER", "what the test opens")
    monkeypatch.setattr("functions.runtime.write_line", lambda _line: None)
    monkeypatch.setattr(jobs, "pause", lambda _: bootstrap.run(api.scene.posthorn[RunJobs].run(5)))


class Files(BaseHTTPRequestHandler):
    """Gives ranges, and of the first answers only a part."""

    content: ClassVar[bytes] = b""
    breaks_after: ClassVar[list[int]] = []
    asked: ClassVar[list[str | None]] = []

    def do_GET(self) -> None:
        wanted = self.headers["Range"]
        Files.asked.append(wanted)
        begin = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        rest = Files.content[begin:]
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        self.wfile.write(rest[: Files.breaks_after.pop(0)] if Files.breaks_after else rest)

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@pytest.fixture
def files() -> Iterator[str]:
    Files.asked, Files.breaks_after = [], []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Files)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/x"
    server.shutdown()
    server.server_close()


def run(api: ApiWorld, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    code = main(["--local", *words], Session(open_installation=lambda: api.scene.posthorn))
    said = capsys.readouterr()
    return code, said.out + said.err


def test_a_file_that_broke_off_is_gone_on_with(files: str, tmp_path: Path) -> None:
    path, Files.content = tmp_path / "x.csv", os.urandom(100_000)
    Files.breaks_after = [30_000, 20_000]
    for _ in range(2):
        with pytest.raises(click.ClickException, match="run this again"):
            fetching.fetch(files, path, len(Files.content))
        assert not path.exists()
    fetching.fetch(files, path, len(Files.content))
    assert path.read_bytes() == Files.content
    assert Files.asked == [None, "bytes=30000-", "bytes=50000-"]
    assert [one.name for one in tmp_path.iterdir()] == ["x.csv"]


def test_a_list_is_written_into_a_file_by_one_job(
    api: ApiWorld,
    capsys: pytest.CaptureFixture[str],
    files: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for number in range(3):
        api.v2("POST", "/emails", {**SENT, "subject": f"s{number}"})
    from chalicelib.cli import export

    def served(_: str, path: Path, size: int) -> None:
        newest = api.manage("GET", "/jobs", tenant="acme/app").json["data"][0]
        Files.content = file_of(api, newest).encode()
        fetching.fetch(files, path, size)

    monkeypatch.setattr(export, "fetch", served)
    Files.breaks_after = [10]
    line = ("export", "emails", "-o", str(tmp_path / "mail.ndjson"), "--format", "ndjson")
    code, text = run(api, capsys, *line)
    assert (code, "run this again" in text) == (1, True)
    code, _ = run(api, capsys, *line)
    assert code == 0
    rows = [json.loads(one) for one in (tmp_path / "mail.ndjson").read_text().splitlines()]
    assert sorted(one["subject"] for one in rows) == ["s0", "s1", "s2"]
    assert len(api.manage("GET", "/jobs", tenant="acme/app").json["data"]) == 1
    assert [one.name for one in tmp_path.iterdir()] == ["mail.ndjson"]
    code, text = run(api, capsys, "export", "audit", "--action", "email.hold", "--dry-run")
    assert (code, text.strip()) == (0, "It would be about 0.")
    assert run(api, capsys, "export", "emails", "--reason", "bounce")[0] == 1
    for wrong in ([], ["emails", "--follow"], ["nothing"]):
        assert run(api, capsys, "export", *wrong)[0] == 2


def test_events_are_added_behind_those_that_a_file_has(
    api: ApiWorld,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = tmp_path / "events"
    monkeypatch.setattr(following, "PAGE", 2)

    def happen(count: int) -> None:
        for _ in range(count):
            number = api.v2("POST", "/emails", SENT).json["id"]
            api.manage("POST", f"/emails/{number}/hold", tenant="acme/app")
        bootstrap.run(Upkeep(api.scene.posthorn).feed())

    happen(5)
    line = ("export", "--follow", "--since", "1h", "--polls", "1", "-o", str(path))
    writes = [0]
    original = Path.replace

    def stopped(self: Path, target: Path) -> Path:
        done = original(self, target)
        writes[0] += 1
        if writes[0] == 2:
            os.kill(os.getpid(), signal.SIGINT)
        return done

    monkeypatch.setattr(Path, "replace", stopped)
    assert run(api, capsys, *line)[0] == 130
    monkeypatch.setattr(Path, "replace", original)
    happen(2)
    assert run(api, capsys, *line[:2], *line[4:])[0] == 0
    found = [json.loads(one)["id"] for one in path.read_text().splitlines()]
    assert len(found) == len(set(found)) == 7
