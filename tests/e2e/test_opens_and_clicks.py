"""A track domain from its record to its clicks: what a receiver opens and follows is told by APIs and command."""

from __future__ import annotations

import html
import json
import re
import secrets
import urllib.error
import urllib.request
from typing import Any

import pytest

from infra.local.deployed import direct
from tests.e2e.conftest import StartStack
from tests.e2e.stack import RunningStack, wait_for
from tests.e2e.target import chosen
from tests.e2e.test_command_line import Cli, cli
from tests.patience import PATIENCE

__all__ = ["cli"]

BROWSER = "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/128.0 e2e"
TARGET = "https://acme.test/offers?id=7&from=mail"


def ask(url: str, host: str = "", method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    """What a reader's client gets, redirects not followed."""
    headers = {"User-Agent": BROWSER} | ({"Host": host} if host else {})
    assert url.startswith("http://127.0.0.1:")
    request = urllib.request.Request(url, headers=headers, method=method)  # noqa: S310  # see above
    try:
        with direct.open(request, timeout=PATIENCE) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as answer:
        with answer:
            return answer.code, dict(answer.headers), answer.read()


class Mail:
    """An HTML message that was sent and received, as its receiver has it."""

    def __init__(self, stack: RunningStack, sender: str) -> None:
        recipient = f"reader-{secrets.token_hex(6)}@example.com"
        page = f'<html><body><a href="{html.escape(TARGET)}">offers</a></body></html>'
        body = {"from": sender, "to": [recipient], "subject": "Offers", "html": page}
        headers = {"Authorization": f"Bearer {stack.facts['server']['api_key']}"}
        status, answer = stack.request("POST", "/api/v2/emails", body, headers)
        assert status == 202, answer
        self.id = json.loads(answer)["id"]
        caught = stack.arrival(recipient)
        raw = stack.raw(caught)
        assert TARGET.encode() not in raw
        text = raw.decode().replace("=\r\n", "").replace("=3D", "=")
        (self.link,) = set(re.findall(r"http://[^'\"]+/[a-z]{6}/[0-9A-Za-z]{22}", text)) - set(
            re.findall(r"http://[^'\"]+/img/[a-z]{6}/[0-9A-Za-z]{22}", text)
        )
        (self.image,) = re.findall(r"http://[^'\"]+/img/[a-z]{6}/[0-9A-Za-z]{22}", text)
        self.stack = stack

    def shown(self, path: str = "") -> Any:
        headers = {"Authorization": f"Bearer {self.stack.facts['server']['api_key']}"}
        status, answer = self.stack.request("GET", f"/api/v2/emails/{self.id}{path}", None, headers)
        assert status == 200, answer
        return json.loads(answer)


@pytest.fixture(scope="module")
def sender(stack: RunningStack) -> str:
    return str(stack.facts["server"]["from"])


def test_the_demo_domain_is_tracked_from_the_start(
    stack: RunningStack, sender: str, cli: Cli
) -> None:
    mail = Mail(stack, sender)
    assert mail.link.startswith(stack.facts["http"])  # a person can click it in the inbox
    status, headers, _ = ask(mail.link)
    assert (status, headers["Location"]) == (307, TARGET)
    status, headers, body = ask(mail.image)
    assert (status, headers["Content-Type"]) == (200, "image/png")
    assert body.startswith(b"\x89PNG")

    def both() -> Any:
        shown = mail.shown()
        return shown if shown["opens"] and shown["clicks"] else None

    shown = wait_for(both, "an open and a click")
    assert shown["opened_at"] == shown["opens"][0]["at"]
    assert shown["clicks"][0]["url"] == TARGET
    assert shown["opens"][0]["user_agent"] == shown["clicks"][0]["user_agent"] == BROWSER
    # LocalStack does not tell a function where its caller is.
    assert shown["opens"][0]["address"] == (None if chosen().name == "localstack" else "127.0.0.1")
    key = {"X-Server-API-Key": stack.facts["server"]["api_key"]}
    asked = {"id": mail.id, "_expansions": ["activity_entries"]}
    _, answer = stack.request("POST", "/api/v1/messages/message", asked, key)
    entries = json.loads(answer)["data"]["activity_entries"]
    assert [entry["url"] for entry in entries["clicks"]] == [TARGET]
    assert len(entries["loads"]) == 1
    timeline = cli("message", "show", str(mail.id))
    assert [entry["url"] for entry in timeline["clicks"]] == [TARGET]


def test_a_forged_or_foreign_token_counts_nothing(stack: RunningStack, sender: str) -> None:
    mail = Mail(stack, sender)
    base, server, token = mail.link.rsplit("/", 2)
    forged = token[:-1] + ("0" if token[-1] != "0" else "1")
    foreign = "".join(reversed(server)) if server != server[::-1] else "zzzzzz"
    for path in (f"{server}/{forged}", f"{foreign}/{token}"):
        status, headers, body = ask(f"{base}/{path}")
        assert (status, body) == (404, b"Link not found")
        assert "Location" not in headers
    status, _, body = ask(f"{base}/img/{server}/{forged}")
    assert (status, body[:4]) == (200, b"\x89PNG")
    shown = mail.shown()
    assert (shown["opens"], shown["clicks"], shown["opened_at"]) == ([], [], None)


def test_what_a_mail_program_adds_or_encodes_does_no_harm(stack: RunningStack, sender: str) -> None:
    mail = Mail(stack, sender)
    base, server, token = mail.link.rsplit("/", 2)
    for path in (
        f"{server}/{token}.",
        f"{server}/{token}%29",
        f"{server}/%{ord(token[0]):x}{token[1:]}",
    ):
        assert ask(f"{base}/{path}")[0] == 307
    assert ask(f"{base}/img/aaaaaa/xx")[0] == 200
    assert ask(f"{base}/img/aaaaaa/xx?%73rc=1")[0] == 400


def test_links_and_hits_end_by_the_clock(start_stack: StartStack) -> None:
    stack = start_stack()
    mail = Mail(stack, str(stack.facts["server"]["from"]))
    assert ask(mail.link)[0] == 307
    wait_for(lambda: mail.shown()["clicks"], "a click")
    stack.advance(60 * 86_400 + 60)
    assert wait_for(lambda: ask(mail.link)[0] == 404, "the end of the link")
    assert wait_for(lambda: not mail.shown()["clicks"], "the end of the click")


@pytest.mark.targets("runner", "local", "localstack")  # where tables end what is in them
def test_tables_end_items_by_themselves(stack: RunningStack) -> None:
    client = stack.client("dynamodb")
    tables = client.list_tables()["TableNames"]
    assert len(tables) == 2
    for table in tables:
        told = client.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
        assert told == {"TimeToLiveStatus": "ENABLED", "AttributeName": "x"}


def test_a_track_domain_of_ones_own(stack: RunningStack, cli: Cli) -> None:
    domain = f"d{secrets.token_hex(5)}.test"
    cli("domain", "add", domain)
    cli("domain", "trust", domain)
    added = cli("trackdomain", "add", domain, "--name", "go", "--exclude", "untouched.test")
    (record,) = added["records"]
    assert (record["name"], record["value"]) == (f"go.{domain}", "track.posthorn.test")
    assert added["dns_status"] is None
    checked = cli("trackdomain", "check", f"go.{domain}")
    assert (checked["dns_status"], checked["finding"]["status"]) == ("OK", "OK")
    mail = Mail(stack, f"hello@{domain}")
    path = mail.link.removeprefix(stack.facts["http"])
    for host in (f"go.{domain}", "track.posthorn.test"):
        status, headers, _ = ask(stack.facts["http"] + path, host)
        assert (status, headers["Location"]) == (307, TARGET)
        assert ask(stack.facts["http"] + "/", host)[2] == b"Hello."
        assert ask(f"{stack.facts['http']}/_local/inbox/messages", host)[2] == b"Hello."
    status, _, body = ask(mail.image, f"go.{domain}", "HEAD")
    assert (status, body) == (200, b"")
    shown = wait_for(lambda: mail.shown() if mail.shown()["opens"] else None, "an open")
    assert shown["opens"][0]["automatic"] is True
    cli("trackdomain", "remove", f"go.{domain}")
    cli("domain", "remove", domain)
    assert ask(mail.link)[0] == 307  # links that are out in the world lead on
