"""A whole local stack for tests: started on free ports with a state folder of its own, stopped without a trace."""

from __future__ import annotations

import json
import os
import shutil
import signal
import smtplib
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import botocore.session

from onehost.watched_process import die_with_parent
from tests.patience import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
PORTS = ("HTTP", "MX", "SUBMISSION", "SUBMISSIONS", "INBOX", "AWS", "DNS")
START_SECONDS = 300.0
STOP_SECONDS = 460.0  # more than the runner may take to finish what it has in hand

T = TypeVar("T")
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # never through a proxy


def wait_for(look: Callable[[], T | None], what: str, seconds: float = PATIENCE) -> T:
    """The first true answer of `look`; AssertionError when none comes in time."""
    deadline = time.monotonic() + seconds
    while True:
        if found := look():
            return found
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.05)


def stack_environment(state: Path, settings: Mapping[str, str] | None = None) -> dict[str, str]:
    """Variables for a stack that meets no other one: any free ports, no reload, nothing of the developer's own."""
    clean = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("POSTHORN_", "AWS_"))
    }
    ports = {f"POSTHORN_{name}_PORT": "0" for name in PORTS}
    ours = {"POSTHORN_STATE": str(state), "POSTHORN_RELOAD": "0", "PYTHONPATH": ""}
    return clean | ports | ours | dict(settings or {})


class RunningStack:
    """One run of `python -m infra.local`; `facts` is its stack.json as of the start."""

    def __init__(
        self,
        state: Path,
        settings: Mapping[str, str] | None = None,
        start_seconds: float = START_SECONDS,
    ) -> None:
        self.state = state
        self._start_seconds = start_seconds
        self._output = state.parent / f"{state.name}.out"
        with self._output.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "infra.local"],
                cwd=ROOT,
                env=stack_environment(state, settings),
                stdout=output,
                stderr=output,
                stdin=subprocess.DEVNULL,
                process_group=0,
                preexec_fn=die_with_parent(os.getpid()),  # noqa: PLW1509  # nothing outlives a killed test run
            )
        try:
            self.facts: dict[str, Any] = self._wait_until_ready()
        except BaseException:
            self.end()
            raise

    @property
    def output(self) -> str:
        """All that the stack said on its terminal."""
        return self._output.read_text()

    def now_facts(self) -> dict[str, Any]:
        """stack.json as it is at this moment."""
        facts: dict[str, Any] = json.loads((self.state / "stack.json").read_text())
        return facts

    def _wait_until_ready(self) -> dict[str, Any]:
        def look() -> dict[str, Any] | None:
            assert self.process.poll() is None, f"the stack ended:\n{self.output}"
            try:
                facts = self.now_facts()
            except FileNotFoundError:
                return None
            # A killed run leaves its facts behind until the next one has the folder.
            return facts if facts["pids"]["supervisor"] == self.process.pid else None

        return wait_for(look, f"stack.json in {self.state}", self._start_seconds)

    def client(self, service: str) -> Any:
        """A client of the stack's AWS, under its key; the stack must have one."""
        variables = self.facts["environment"]
        return botocore.session.get_session().create_client(
            service,
            region_name=variables["AWS_REGION"],
            endpoint_url=self.facts["aws"],
            aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
        )

    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, bytes]:
        """Status and body; a body that is not bytes goes as JSON. Paths of the API go to the API's own address."""
        base = self.facts["api" if path.startswith("/api/") else "http"]
        url = path if path.startswith("http") else f"{base}{path}"
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        given = {"Content-Type": "application/json"} | dict(headers or {})
        assert url.startswith("http://127.0.0.1:")
        request = urllib.request.Request(url, data=data, method=method, headers=given)  # noqa: S310  # see above
        try:
            with DIRECT.open(request, timeout=PATIENCE) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.read()

    def get(self, path: str) -> Any:
        """The JSON at a path."""
        status, body = self.request("GET", path)
        assert status == 200, (status, body)
        return json.loads(body)

    def inbox(self, rcpt: str) -> list[dict[str, Any]]:
        """What the inbox has for a recipient, newest first."""
        found: list[dict[str, Any]] = self.get(
            f"/_local/inbox/messages?rcpt={quote(rcpt)}&limit=1000"
        )
        return found

    def arrival(self, rcpt: str, seconds: float = PATIENCE) -> dict[str, Any]:
        """The newest message for a recipient, waiting for it."""
        return wait_for(lambda: self.inbox(rcpt), f"a message for {rcpt}", seconds)[0]

    def raw(self, caught: Mapping[str, Any]) -> bytes:
        """The exact bytes of a caught message."""
        status, body = self.request("GET", f"/_local/inbox/messages/{caught['id']}/raw")
        assert status == 200
        return body

    def advance(self, seconds: float) -> None:
        """Move the controlled clock."""
        status, body = self.request("POST", "/_local/clock", {"advance": seconds})
        assert status == 200, body

    def by_rounds(self, look: Callable[[], T | None], what: str, seconds: float = 500) -> T:
        """Move the clock by `seconds` again and again until `look` is true; its answer.

        Rounds grow longer: a clock that runs away under a try takes its lease away too, however slow the machine is.
        """
        give_up, pause = time.monotonic() + 5 * PATIENCE, 0.25
        while time.monotonic() < give_up:
            self.advance(seconds)
            until = time.monotonic() + pause
            while time.monotonic() < until:
                if found := look():
                    return found
                time.sleep(0.05)
            pause *= 1.1
        raise AssertionError(f"not within {5 * PATIENCE} s: {what}")

    def by_tries(self, look: Callable[[], bool], tries: Callable[[], int], what: str) -> None:
        """Move the clock by eight hours after each try, as `tries` counts them, until `look` is true.

        Once more when no try comes: a wake-up that was queued after the clock went waits its 15 minutes from then on.
        Not sooner: a clock that runs away under a try takes its lease away too.
        """
        moved = time.monotonic()
        give_up, seen = moved + 10 * PATIENCE, 0
        while not look():
            now, found = time.monotonic(), tries()
            assert now < give_up, f"not within {10 * PATIENCE} s: {what}"
            if found > seen:
                seen, moved = found, now
                self.advance(8 * 3600)
            elif now - moved > PATIENCE / 2:
                moved = now
                self.advance(900)
            time.sleep(0.05)

    def submit(self, rcpt: str | list[str], content: bytes, mail_from: str | None = None) -> None:
        """Send content by SMTP submission with the demo credential."""
        smtp, server = self.facts["smtp"], self.facts["server"]
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        with smtplib.SMTP(
            smtp["host"], smtp["submission"], "client.test", timeout=PATIENCE
        ) as client:
            client.starttls(context=context)
            client.ehlo()
            client.user, client.password = server["smtp_username"], server["smtp_key"]
            client.auth("PLAIN", client.auth_plain)
            client.sendmail(mail_from or server["from"], rcpt, content)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Stop it as a person would; its exit code. Nothing of it may be left."""
        self.process.send_signal(number)
        try:
            code = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.end()
            raise
        assert self.left_over() == [], self.output
        return code

    def end(self) -> None:
        """Make sure that nothing of it runs on, however it went."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for pid in self.left_over():
            os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.state / "aws/tmp", ignore_errors=True)  # gigabytes, if it was killed

    def left_over(self) -> list[int]:
        """Processes that still run with this state folder in their environment."""
        mark = f"POSTHORN_STATE={self.state}".encode()
        return [pid for pid in _processes() if pid != os.getpid() and mark in _environment(pid)]

    def ports(self) -> list[int]:
        """Every TCP port that the stack listens on."""
        smtp = self.facts["smtp"]
        aws = [self.facts["aws"]] if "aws" in self.facts else []
        places = [self.facts["http"], *aws, f"dns://{self.facts['dns']}"]
        numbers = [int(place.rpartition(":")[2]) for place in places]
        names = ("mx", "submission", "submissions")
        return [*numbers, *(smtp[name] for name in names), self.facts["inbox"]["smtp"]]


def is_listening(port: int) -> bool:
    """Whether something accepts connections on a loopback port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def message(rcpt: str, subject: str = "A test", body: str = "Hello.\r\n") -> bytes:
    """A small message from the demo domain."""
    return (
        f"From: Hello <hello@demo.test>\r\nTo: {rcpt}\r\nSubject: {subject}\r\n\r\n{body}".encode()
    )


def _processes() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _environment(pid: int) -> set[bytes]:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        return (
            set() if state == "Z" else set(Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"))
        )
    except (OSError, IndexError):
        return set()
