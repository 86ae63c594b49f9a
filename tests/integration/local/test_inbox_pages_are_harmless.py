"""Whatever a message holds, the inbox's pages show it as text, run nothing and fetch nothing."""

from __future__ import annotations

import json
import re
from pathlib import Path

import dkim.canonicalization
import pytest

from chalicelib.adapters.crypto.keys import generate_rsa
from infra.local.exchange import Request, Response
from infra.local.inbox_pages import InboxPages
from infra.local.inbox_store import Caught, InboxStore
from infra.local.verdict import Judge, Verdict

EVIL = "<script>alert(1)</script>"


class NoJudge(Judge):
    """Says nothing about any message."""

    def __init__(self) -> None:
        self.words = "none"

    def judge(self, caught: Caught, content: bytes) -> Verdict:
        return Verdict(self.words, "none", "none", note=EVIL)


@pytest.fixture
def store(tmp_path: Path) -> InboxStore:
    return InboxStore(tmp_path, lambda: 1_700_000_000.5)


@pytest.fixture
def pages(store: InboxStore) -> InboxPages:
    return InboxPages(store, NoJudge())


def ask(pages: InboxPages, path: str, method: str = "GET") -> Response:
    return pages(Request(method, f"/_local/inbox{path}", {}, b""))


def header(answer: Response, name: str) -> str:
    return next(value for key, value in answer.headers if key == name)


def hostile() -> bytes:
    return (
        f"From: {EVIL}\r\nSubject: =?utf-8?q?=3Cscript=3Ealert=281=29=3C/script=3E?=\r\n"
        f"X-{'a' * 30}: {EVIL}\r\nMIME-Version: 1.0\r\n"
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
        f"--b\r\nContent-Type: text/html\r\n\r\n{EVIL}<img src=http://evil.example/x>\r\n"
        f"--b\r\nContent-Type: text/plain\r\n\r\n{EVIL}\r\n"
        '--b\r\nContent-Type: text/html; name="x"\r\n'
        'Content-Disposition: attachment; filename="../../<b>\\"; evil=1.html"\r\n'
        f"Content-Transfer-Encoding: base64\r\n\r\nPGI+aGk8L2I+\r\n--b--\r\n"
    ).encode()


def test_the_message_page_escapes_everything(store: InboxStore, pages: InboxPages) -> None:
    caught = store.add(EVIL, EVIL, hostile(), EVIL, EVIL, EVIL)
    for path in ("", f"/view/{caught.id}", f"?rcpt={EVIL}"):
        answer = ask(pages, path)
        assert answer.status == 200
        assert b"<script" not in answer.body.lower()
        assert b"<b>" not in answer.body.replace(b'<b class="none">', b"")
        policy = header(answer, "Content-Security-Policy")
        assert policy.startswith("default-src 'none'")
        assert "script-src" not in policy
        assert "frame-ancestors 'none'" in policy
        assert header(answer, "Referrer-Policy") == "same-origin"
    page = ask(pages, f"/view/{caught.id}").body.decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<iframe sandbox src=" in page


def test_html_is_served_alone_in_a_sandbox(store: InboxStore, pages: InboxPages) -> None:
    caught = store.add("s@x", "r@x", hostile())
    answer = ask(pages, f"/view/{caught.id}/html")
    policy = header(answer, "Content-Security-Policy")
    assert policy.split("; ")[0] == "default-src 'none'"
    assert "sandbox" in policy.split("; ")
    assert "allow-" not in policy
    assert header(answer, "X-Content-Type-Options") == "nosniff"
    assert header(answer, "Referrer-Policy") == "no-referrer"


def test_attachments_and_source_are_downloads(store: InboxStore, pages: InboxPages) -> None:
    caught = store.add("s@x", "r@x", hostile())
    attachment = ask(pages, f"/view/{caught.id}/attachment/0")
    assert attachment.body == b"<b>hi</b>"
    assert header(attachment, "Content-Type") == "application/octet-stream"
    disposition = header(attachment, "Content-Disposition")
    assert disposition.startswith('attachment; filename="')
    name = disposition.split('"')[1]
    assert not set(name) & set('/\\<>";')
    assert not name.startswith(".")
    raw = ask(pages, f"/messages/{caught.id}/raw")
    assert raw.body == hostile()
    assert header(raw, "Content-Disposition").startswith("attachment;")
    assert ask(pages, f"/view/{caught.id}/attachment/1").status == 404


def test_the_list_has_exactly_the_promised_fields(store: InboxStore, pages: InboxPages) -> None:
    store.add("s@x.test", "a+tag@x.test", b"Subject: one\r\n\r\n")
    store.add("s@x.test", "b@x.test", b"Subject: =?utf-8?b?w6k=?=\r\n\r\n")
    found = json.loads(ask(pages, "/messages").body)
    assert found == [
        {
            "id": "0000000002",
            "mail_from": "s@x.test",
            "rcpt_to": "b@x.test",
            "subject": "é",
            "received_at": 1_700_000_000.5,
            "size": 29,
        },
        found[1],
    ]
    for asked in ("A%2BTAG@x.test", "a+tag@x.test"):
        only = json.loads(ask(pages, f"/messages?rcpt={asked}&limit=1").body)
        assert [each["subject"] for each in only] == ["one"]
    assert json.loads(ask(pages, "/messages?rcpt=nobody@x.test").body) == []
    assert json.loads(ask(pages, "", "DELETE").body) == {"deleted": 2}
    assert json.loads(ask(pages, "/messages").body) == []


@pytest.mark.parametrize("limit", ["0", "-1", "1001", "x", "99999999999999999999", "²"])
def test_a_limit_without_sense_is_400(pages: InboxPages, limit: str) -> None:
    assert ask(pages, f"/messages?limit={limit}").status == 400


@pytest.mark.parametrize(
    "path",
    [
        "/messages/0000000001",
        "/messages/1/raw",
        "/messages/..%2f..%2fsecrets.json/raw",
        "/messages/../../secrets.json/raw",
        "/view/0000000001/attachment/0",
        "/templates/base.html",
        "/no/such",
    ],
)
def test_what_is_not_there_is_404(pages: InboxPages, path: str) -> None:
    assert ask(pages, path).status == 404


def test_reading_never_changes_and_wrong_methods_are_405(
    store: InboxStore, pages: InboxPages
) -> None:
    store.add("s@x", "r@x", b"x")
    assert ask(pages, "/empty").status == 405
    assert ask(pages, "/messages", "PUT").status == 405
    assert store.count() == 1
    assert ask(pages, "/empty", "POST").status == 303
    assert store.count() == 0


FIELDS = ("X-A", "Subject", "References", "DKIM-Signature", "From")


def folded(name: str, size: int) -> bytes:
    """A message with one field of so many bytes in folds of three, beside a signature."""
    field = f"{name}: v=1;".encode()
    signature = b"DKIM-Signature: v=1; a=rsa-sha256; d=x.test; s=a; h=from; bh=aGk=; b=aGk=\r\n"
    return field + b"\r\n a" * (size // 4) + b"\r\n" + signature + b"From: a@x.test\r\n\r\nhi\r\n"


@pytest.mark.parametrize(
    "content",
    [
        b"DKIM-Signature: v=1\r\n\r\n" + b" " * 1_000_000,
        *(folded(name, 900_000) for name in FIELDS),
        *(folded(name, 64 * 1024) for name in FIELDS),
        b"DKIM-Signature: v=1\r\n" + b"X:\r\n" * 10_001 + b"\r\n",
        b"DKIM-Signature: v=1" + b"\r\n a" * 500_000,
    ],
    ids=lambda content: f"{content[:9]!r}-{len(content)}",
)
def test_a_message_too_hostile_to_judge_is_shown_and_never_given_to_the_libraries(
    store: InboxStore, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("the library was asked")

    judge = Judge("127.0.0.1:1")
    monkeypatch.setattr("infra.local.verdict.dkim.DKIM", never)
    monkeypatch.setattr("infra.local.verdict.spf.query", never)
    caught = store.add("s@x", "r@x", content)
    verdict = judge.judge(caught, content)
    assert verdict.dkim == "none"
    assert verdict.note.startswith("Not judged")
    page = ask(InboxPages(store, judge), f"/view/{caught.id}")
    assert page.status == 200
    assert b"Not judged" in page.body


@pytest.mark.parametrize("name", FIELDS)
def test_a_header_below_the_guard_is_judged(store: InboxStore, name: str) -> None:
    content = folded(name, 60 * 1024)
    verdict = Judge("127.0.0.1:1", 0.2).judge(store.add("s@x", "r@x", content), content)
    assert (verdict.dkim, verdict.note) == ("fail", "")


def test_runs_of_blanks_are_looked_at_once(
    store: InboxStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge = Judge("127.0.0.1:1", 0.2)
    blanks = re.compile(b"[\t ]+\r\n")
    for text in (b"", b" \r\n", b"a \t\r\nb", b" \n \r \r\n", b"a\r\n \r\n\t\r\n", b"a  b \r\n  "):
        assert dkim.canonicalization.strip_trailing_whitespace(text) == blanks.sub(b"\r\n", text)
    record = f"v=DKIM1; k=rsa; p={generate_rsa()[1]}".encode()
    monkeypatch.setattr(judge, "_key_record", lambda *_, **__: record)
    signature = b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=x.test; s=a; h=from;"
    signed = signature + b" bh=aGk=; b=aGk=\r\nFrom: a@x.test\r\n\r\n"
    # From each blank on, this would be eight thousand million looks.
    content = signed + (b"x" + b" " * 4_000) * 1_000
    verdict = judge.judge(store.add("s@x", "r@x", content), content)
    assert verdict.signatures[0].problem.startswith("body hash mismatch")


@pytest.mark.parametrize(
    "field",
    [
        b"v=1; a=rsa-sha256; d=x.test; s=a; h=from; bh=!!!; b=!!!",
        b"v=1; a=nonsense",
        b";;;;",
        b"v=1; a=rsa-sha256; c=relaxed/relaxed; d=" + b"a." * 300 + b"; s=s; h=from; bh=x; b=y",
        b"\xff\xfe",
    ],
)
def test_a_broken_signature_is_a_verdict_not_an_error(store: InboxStore, field: bytes) -> None:
    judge = Judge("127.0.0.1:1", lookup_seconds=0.2)
    content = b"DKIM-Signature: " + field + b"\r\nFrom: a@x.test\r\n\r\nhi\r\n"
    verdict = judge.judge(store.add("", "r@x", content, "\x00weird", "127.0.0.1:5"), content)
    assert verdict.dkim == "fail"
    assert not verdict.signatures[0].valid
