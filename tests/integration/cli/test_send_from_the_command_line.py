"""`posthorn send` is a correct client of the HTTP API and of a submission server."""

from __future__ import annotations

import asyncio
import base64
import email
import email.policy
import json
import os
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from chalicelib.api.v2.models import EmailToSend
from chalicelib.bootstrap import run
from chalicelib.cli.main import main
from chalicelib.cli.session import Session
from chalicelib.domain.mail.newlines import has_bare_newline


@dataclass
class Api:
    """An HTTP server that keeps what it is sent and answers as told."""

    url: str = ""
    status: int = 200
    answer: bytes = b""
    seen: list[tuple[str, dict[str, str], Any]] = field(default_factory=list)


@pytest.fixture
def api() -> Iterator[Api]:
    kept = Api()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            kept.seen.append((self.path, dict(self.headers), json.loads(body)))
            self.send_response(kept.status)
            self.end_headers()
            self.wfile.write(kept.answer)

        def log_message(self, *_facts: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        kept.url = f"http://127.0.0.1:{server.server_port}"
        kept.answer = json.dumps(
            {
                "id": 14,
                "message_id": "x@rp.example",
                "emails": [{"id": 14, "token": "t" * 16, "to": "john@example.com"}],
            }
        ).encode()
        yield kept
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTHORN_API_KEY", "ph_api")
    monkeypatch.setenv("POSTHORN_SMTP_KEY", "ph_smtp")


def send(*arguments: str) -> int:
    return main(
        ["send", "--from", "App <app@acme.test>", "--to", "john@example.com", *arguments], Session()
    )


def test_http_sends_what_the_api_takes(
    api: Api, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(b"Hello\x00\xff")
    code = send(
        "--url", api.url, "--subject", "Hé", "--text", "T", "--html", "<p>H</p>", "--tag", "welcome",
        "--to", "Mary <mary@example.net>", "--attach", str(file), "--json",
    )  # fmt: skip
    assert code == 0
    (path, headers, body) = api.seen[0]
    assert path == "/api/v2/emails"
    assert headers["Authorization"] == "Bearer ph_api"
    request = EmailToSend.model_validate(body, by_alias=True)
    assert request.subject == "Hé"
    assert request.text == "T"
    assert request.html == "<p>H</p>"
    assert request.tag == "welcome"
    assert body["from"] == "App <app@acme.test>"
    assert body["to"] == ["john@example.com", "Mary <mary@example.net>"]
    assert body["attachments"][0]["filename"] == "a.txt"
    assert body["attachments"][0]["content_type"] == "text/plain"
    assert base64.b64decode(body["attachments"][0]["content"]) == b"Hello\x00\xff"
    answer = json.loads(capsys.readouterr().out)
    assert answer["messages"] == [{"to": "john@example.com", "id": 14, "token": "t" * 16}]


def test_http_sends_a_whole_message(api: Api, tmp_path: Path) -> None:
    unix = tmp_path / "unix.eml"
    unix.write_bytes(b"Subject: x\n\nHello\n")
    exact = tmp_path / "exact.eml"
    exact.write_bytes(b"Subject: x\r\n\r\nHel\nlo\r\n")
    assert send("--url", api.url, "--file", str(unix)) == 0
    assert send("--url", api.url, "--file", str(exact)) == 0
    bodies = [body for _, _, body in api.seen]
    assert [set(body) for body in bodies] == [{"from", "to", "raw"}] * 2
    assert base64.b64decode(bodies[0]["raw"]) == b"Subject: x\r\n\r\nHello\r\n"
    assert base64.b64decode(bodies[1]["raw"]) == exact.read_bytes()
    EmailToSend.model_validate(bodies[0], by_alias=True)


def test_a_problem_is_told_with_its_fields(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    api.status = 422
    api.answer = json.dumps(
        {
            "title": "Invalid request",
            "detail": "The request has wrong fields; see errors",
            "errors": [{"pointer": "/to/0", "code": "x", "detail": "is no address\x1b[2J"}],
        }
    ).encode()
    assert send("--url", api.url, "--text", "x") == 1
    text = capsys.readouterr().err
    assert "posthorn: The request has wrong fields: /to/0 is no address" in text
    assert "\x1b" not in text
    assert "ph_api" not in text


@pytest.mark.parametrize("answer", [b"", b"<html>", b"[]", b"{}", b"\xff"])
def test_an_answer_that_makes_no_sense_is_said(
    api: Api, answer: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    api.answer = answer
    assert send("--url", api.url, "--text", "x") == 1
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1", "nonsense", "http://[::1", "http://127.0.0.1:99999"]
)
def test_an_address_that_does_not_answer_is_said(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert send("--url", url, "--text", "x") == 1
    assert "cannot be reached" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ("--url", "http://127.0.0.1:1"),
        ("--url", "http://127.0.0.1:1", "--text", "x", "--file", "-"),
        ("--url", "http://127.0.0.1:1", "--text", "x", "--smtp"),
        ("--url", "http://127.0.0.1:1", "--text", "x", "--attach", "/does/not/exist"),
    ],
)
def test_wrong_usage_is_told(arguments: tuple[str, ...]) -> None:
    assert send(*arguments) == 2


def test_a_missing_key_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("POSTHORN_API_KEY")
    assert send("--url", "http://127.0.0.1:1", "--text", "x") == 2
    assert "POSTHORN_API_KEY" in capsys.readouterr().err


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate with its key, as the local stack has."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    start = datetime(2020, 1, 1, tzinfo=UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=36_500))
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
    return path


class Sink:
    """An aiosmtpd handler that keeps envelopes and may refuse."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []
        self.logins: list[LoginPassword] = []
        self.refusal = ""

    def authenticate(self, *facts: Any) -> AuthResult:
        self.logins.append(facts[-1])
        return AuthResult(success=facts[-1].password == b"ph_smtp", handled=False)

    async def handle_RCPT(self, *facts: Any) -> str:  # noqa: N802  # aiosmtpd finds it by name
        _, _, envelope, address, _ = facts
        if address.startswith("nobody"):
            return "550 5.1.1 No\x1b[2J such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, *facts: Any) -> str:  # noqa: N802  # as above
        self.envelopes.append(facts[-1])
        return self.refusal or "250 2.6.0 queued as x"


@dataclass
class Listener:
    """A running submission server."""

    sink: Sink
    port: int
    port_tls: int


@pytest.fixture
def submission(certificate: Path) -> Iterator[Listener]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    sink = Sink()

    def with_starttls() -> SMTP:
        return SMTP(
            sink,
            authenticator=sink.authenticate,
            tls_context=context,
            require_starttls=True,
            auth_required=True,
            hostname="mail.example",
        )

    def within_tls() -> SMTP:
        return SMTP(
            sink,
            authenticator=sink.authenticate,
            auth_require_tls=False,  # it cannot see the TLS around it
            hostname="mail.example",
        )

    async def listen(factory: Callable[[], SMTP], tls: ssl.SSLContext | None) -> asyncio.Server:
        loop = asyncio.get_running_loop()
        return await loop.create_server(factory, "127.0.0.1", 0, ssl=tls)

    async def close(server: asyncio.Server) -> None:
        server.close()
        await server.wait_closed()

    servers = [run(listen(with_starttls, None)), run(listen(within_tls, context))]
    yield Listener(sink, *(server.sockets[0].getsockname()[1] for server in servers))
    for server in servers:
        run(close(server))


@pytest.mark.parametrize("implicit", [False, True])
def test_smtp_submits_over_tls(
    submission: Listener, implicit: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    url = (
        f"smtps://127.0.0.1:{submission.port_tls}"
        if implicit
        else f"smtp://127.0.0.1:{submission.port}"
    )
    code = send("--smtp", "--url", url, "--subject", "Hé", "--text", "Grüße\n.\nEnde", "--tag", "t")
    assert code == 0
    assert "Accepted: 250 2.6.0 queued as x" in capsys.readouterr().out
    (envelope,) = submission.sink.envelopes
    assert envelope.mail_from == "app@acme.test"
    assert envelope.rcpt_tos == ["john@example.com"]
    content = envelope.content
    assert isinstance(content, bytes)
    assert b"\n" not in content.replace(b"\r\n", b"")
    message = email.message_from_bytes(content, policy=email.policy.default)
    assert message["From"] == "App <app@acme.test>"
    assert message["Subject"] == "Hé"
    assert message["X-Postal-Tag"] == "t"
    assert isinstance(message, email.message.EmailMessage)
    (text,) = (part for part in message.walk() if not part.is_multipart())
    assert text.get_content().replace("\r\n", "\n").strip() == "Grüße\n.\nEnde"
    assert submission.sink.logins[0].password == b"ph_smtp"


def test_smtp_sends_to_the_address_that_is_meant(
    submission: Listener, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"smtp://127.0.0.1:{submission.port}"
    assert send("--smtp", "--url", url, "--text", "x", "--to", "Hans <hans@straße.test>") == 0
    (envelope,) = submission.sink.envelopes
    assert envelope.rcpt_tos == ["john@example.com", "hans@xn--strae-oqa.test"]
    assert isinstance(envelope.content, bytes)
    message = email.message_from_bytes(envelope.content, policy=email.policy.default)
    assert message["To"] == "john@example.com, Hans <hans@xn--strae-oqa.test>"
    for text in ("a@b.test <c@d.test>", "a@b.test(x)c.test"):
        assert send("--smtp", "--url", url, "--text", "x", "--to", text) == 1
        assert "is not one e-mail address" in capsys.readouterr().err
    assert len(submission.sink.envelopes) == 1


def test_smtp_sends_a_whole_message_as_it_is(submission: Listener, tmp_path: Path) -> None:
    content = b"From: app@acme.test\r\n\r\n..two dots\r\n\xff\r\n"
    file = tmp_path / "message.eml"
    file.write_bytes(content)
    url = f"smtp://127.0.0.1:{submission.port}"
    assert send("--smtp", "--url", url, "--file", str(file)) == 0
    assert submission.sink.envelopes[0].content == content


def test_smtp_refusals_are_told_in_the_servers_words(
    submission: Listener, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"smtp://127.0.0.1:{submission.port}"
    assert send("--smtp", "--url", url, "--text", "x", "--to", "nobody@example.com") == 1
    text = capsys.readouterr().err
    assert "The server said 550 5.1.1 No\\x1b[2J such user" in text
    submission.sink.refusal = "552 5.3.4 too big"
    assert send("--smtp", "--url", url, "--text", "x") == 1
    assert "The server said 552 5.3.4 too big" in capsys.readouterr().err
    monkeypatch.setenv("POSTHORN_SMTP_KEY", "wrong")
    assert send("--smtp", "--url", url, "--text", "x") == 1
    text = capsys.readouterr().err
    assert "535" in text
    assert "wrong" not in text
    assert len(submission.sink.envelopes) == 1


def test_a_submission_server_that_is_away_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert send("--smtp", "--url", "smtp://127.0.0.1:1", "--text", "x") == 1
    assert "cannot be used" in capsys.readouterr().err


def sent_by_smtp(submission: Listener, *arguments: str) -> email.message.EmailMessage:
    """The message that arrives, whose lines are all sound."""
    url = f"smtp://127.0.0.1:{submission.port}"
    assert send("--smtp", "--url", url, "--text", "Hello", *arguments) == 0
    content = submission.sink.envelopes[-1].content
    assert isinstance(content, bytes)
    assert not has_bare_newline(content)
    message = email.message_from_bytes(content, policy=email.policy.default)
    assert isinstance(message, email.message.EmailMessage)
    return message


@pytest.mark.parametrize(
    "word",
    [
        "=?utf-8?q?=0D=0AX:_y?=",
        "=?utf-8?q?=0D=0ABcc:_v@v.test=0D=0A=0D=0Abody?=",
        "=?utf-8?b?DQpYOiB5?=",
    ],
)
def test_an_encoded_word_that_was_typed_stays_in_its_field(submission: Listener, word: str) -> None:
    def names(*arguments: str) -> list[str]:
        message = sent_by_smtp(submission, *arguments)
        content = submission.sink.envelopes[-1].content
        assert isinstance(content, bytes)
        assert b"\r\nBcc:" not in content
        assert b"\r\nX:" not in content
        return sorted(name.lower() for name in message)

    usual = names("--subject", "x", "--tag", "x")
    assert names("--subject", word, "--tag", "x") == usual
    assert names("--subject", "x", "--tag", word) == usual
    assert names("--subject", "x", "--tag", "x", "--to", f'"{word}" <j@example.com>') == usual
    assert names("--subject", "x", "--tag", "x", "--from", f"{word} <app@acme.test>") == usual


def test_files_arrive_over_smtp_as_they_are(submission: Listener, tmp_path: Path) -> None:
    attached = b"From: a@b.test\nSubject: Gr\xc3\xbc\xc3\x9fe\n\nHello\n"
    files = {
        "x.eml": attached,
        "bare.eml": b"a\rb\n",
        "empty.txt": b"",
        "straße.png": b"\x89PNG\r\n",
    }
    arguments = []
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
        arguments += ["--attach", str(tmp_path / name)]
    message = sent_by_smtp(submission, *arguments)
    kinds = ["message/rfc822", "application/octet-stream", "text/plain", "image/png"]
    parts = list(message.iter_attachments())
    assert [part.get_content_type() for part in parts] == kinds
    assert [part.get_filename() for part in parts] == list(files)
    assert parts[0]["Content-Transfer-Encoding"] == "8bit"
    assert [part.get_payload(decode=True) for part in parts[1:]] == list(files.values())[1:]
    assert parts[3]["Content-Type"].params["name"] == "straße.png"
    content = submission.sink.envelopes[-1].content
    assert isinstance(content, bytes)
    assert attached.replace(b"\n", b"\r\n") in content
    assert "BODY=8BITMIME" in submission.sink.envelopes[-1].mail_options


NOT_UTF8 = os.fsdecode(b"a\xff")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--subject", "a\nb"], "--subject contains a line break or NUL at character 1."),
        (["--subject", NOT_UTF8], "--subject contains what is not UTF-8 at character 1."),
        (["--tag", "a\rb"], "--tag contains a line break or NUL at character 1."),
        (["--tag", "x" * 101], "--tag has 101 characters, at most 100 are allowed."),
        (["--html", NOT_UTF8], "--html is not UTF-8."),
        (["--text", NOT_UTF8], "--text is not UTF-8."),
        (
            ["--to", "a\n@b.test"],
            "--to a\\x0a@b.test contains a line break or NUL at character 1.",
        ),
        (["--to", "nobody"], "--to nobody is not one e-mail address."),
        (["--from", "nobody"], "--from nobody is not one e-mail address."),
        (
            ["--attach", "a\nb"],
            "The file name a\\x0ab contains a line break or NUL at character 1.",
        ),
        (
            ["--attach", NOT_UTF8],
            "The file name a\\udcff contains what is not UTF-8 at character 1.",
        ),
    ],
)
def test_what_cannot_be_sent_is_told_alike_by_both_ways(
    arguments: list[str],
    sentence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    if arguments[0] == "--attach":
        Path(arguments[1]).write_bytes(b"x")
    for way in (("--url", "http://127.0.0.1:1"), ("--smtp", "--url", "smtp://127.0.0.1:1")):
        assert send(*way, "--text", "x", *arguments) == 1
        assert capsys.readouterr().err == f"posthorn: {sentence}\n"
