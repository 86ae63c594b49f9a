"""No web page and no other host drives what `make run` opens, and the emulator takes no call without its key."""

from __future__ import annotations

import contextlib
import json
import secrets
import socket
from collections.abc import Iterator, Mapping

import pytest
from botocore.exceptions import ClientError

from tests.e2e.listeners import Listener, listeners_of
from tests.e2e.stack import RunningStack, wait_for
from tests.e2e.target import chosen
from tests.patience import PATIENCE

EVIL = "http://evil.example"
REBOUND = "rebind.evil.example"
# Elsewhere nothing speaks AWS's language.
with_emulator = pytest.mark.targets("runner", "local", "localstack")
FUNCTION = json.dumps({"FunctionName": "x", "Runtime": "python3.11", "Handler": "h.handler"})
Fields = Mapping[str, str]


def speaks_http(stack: RunningStack) -> set[int]:
    """The ports that answer HTTP: the front's, the emulator's, and that of the tables of LocalStack."""
    return {listener.port for listener in tcp(stack)} - set(speaks_no_http(stack))


def speaks_no_http(stack: RunningStack) -> list[int]:
    smtp = stack.facts["smtp"]
    mail = [smtp[name] for name in ("mx", "submission", "submissions")]
    return [*mail, stack.facts["inbox"]["smtp"], int(stack.facts["dns"].rpartition(":")[2])]


def tcp(stack: RunningStack) -> Iterator[Listener]:
    found = listeners_of(stack.left_over())
    return (listener for listener in found if listener.protocol == "tcp")


def emulators(stack: RunningStack) -> set[int]:
    return speaks_http(stack) - {int(stack.facts["http"].rpartition(":")[2])}


def raw(port: int, request: bytes, silence: float = PATIENCE) -> bytes:
    """All that a port says to these bytes until it closes, or says nothing more for so many seconds."""
    said = b""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as page:
        with contextlib.suppress(OSError):
            page.sendall(request)
        with contextlib.suppress(OSError):
            page.settimeout(silence)
            while block := page.recv(65536):
                said += block
    return said


def ask(
    port: int, method: str, path: str, fields: Fields, body: str = ""
) -> tuple[int, dict[str, str], bytes]:
    """Status, fields with lower-case names, and body of the answer; the request goes out as it stands."""
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    end = f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}"
    answer = raw(port, ("\r\n".join(lines) + "\r\n" + end).encode())
    head, _, content = answer.partition(b"\r\n\r\n")
    status, *rest = head.decode("latin-1").split("\r\n")
    found = {
        name.lower(): value.strip() for name, _, value in (each.partition(":") for each in rest)
    }
    assert status.startswith("HTTP/1.1 "), (port, answer[:200])
    assert not [name for name in found if name.startswith("access-control")], (port, path)
    return int(status.split()[1]), found, content


def credential(stack: RunningStack) -> dict[str, str]:
    key = stack.facts["environment"]["AWS_ACCESS_KEY_ID"]
    scope = f"Credential={key}/20260101/us-east-1/dynamodb/aws4_request"
    return {"Authorization": f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0"}


def pages(port: int) -> list[dict[str, str]]:
    """What a browser sends for a page of another site, or for one whose name leads here."""
    here = f"127.0.0.1:{port}"
    return [
        {"Host": here, "Origin": EVIL},
        {"Host": here, "Origin": "null"},
        {"Host": f"localhost:{port}", "Origin": EVIL, "Sec-Fetch-Site": "cross-site"},
        {"Host": here, "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
        {"Host": here, "Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors"},
        {"Host": f"{REBOUND}:{port}"},
        {"Host": REBOUND, "Origin": f"http://{REBOUND}", "Sec-Fetch-Site": "same-origin"},
        {"Host": f"127.0.0.1.evil.example:{port}"},
        {"Host": f"evil@127.0.0.1:{port}"},
        {"Host": f"localhost.:{port}"},
        {"Host": ""},
    ]


CALLS = [
    ("POST", "/2015-03-31/functions", {"Content-Type": "text/plain"}, FUNCTION),
    ("POST", "/2015-03-31/functions/x/invocations", {"Content-Type": "text/plain"}, "{}"),
    ("POST", "/", {"X-Amz-Target": "DynamoDB_20120810.Scan"}, '{"TableName": "posthorn-control"}'),
    ("POST", "/", {"X-Amz-Target": "TrentService.ListKeys"}, "{}"),
    ("POST", "/", {"X-Amz-Target": "AmazonSQS.ListQueues"}, "{}"),
    ("POST", "/", {"Content-Type": "application/x-www-form-urlencoded"}, "Action=ListQueues"),
    ("GET", "/posthorn-mail-raw", {}, ""),
    ("POST", "/_ministack/reset", {}, ""),
    ("POST", "/_ministack/config", {}, "{}"),
    ("GET", "/_ministack/sqs/messages", {}, ""),
    ("GET", "/_localstack/diagnose", {}, ""),
    ("GET", "/_aws/sqs/messages", {}, ""),
    ("OPTIONS", "/2015-03-31/functions", {"Access-Control-Request-Method": "POST"}, ""),
]


def test_every_port_is_on_loopback_and_one_that_is_known(stack: RunningStack) -> None:
    found = listeners_of(stack.left_over())
    assert {listener.host for listener in found} == {"127.0.0.1"}
    named = set(stack.ports())
    listening = {listener.port for listener in found if listener.protocol == "tcp"}
    assert named <= listening
    # Beside the ports of stack.json there are at most the tables of LocalStack.
    tables = 1 if len(emulators(stack)) == 2 else 0
    assert len(listening - named) == tables
    dns = int(stack.facts["dns"].rpartition(":")[2])
    assert dns in {listener.port for listener in found if listener.protocol == "udp"}


@with_emulator
@pytest.mark.parametrize("call", CALLS, ids=lambda call: f"{call[0]} {call[1]} {call[3][:20]}")
def test_the_emulators_refuse_pages_other_hosts_and_whoever_has_no_key(
    stack: RunningStack, call: tuple[str, str, dict[str, str], str]
) -> None:
    method, path, fields, body = call
    for port in emulators(stack):
        for page in pages(port):
            for key in ({}, credential(stack)):
                assert ask(port, method, path, {**page, **key, **fields}, body)[0] == 403, page
        for key in ("", "posthorn", "test", "000000000000", "__internal_call__"):
            signed = {"Authorization": f"AWS4-HMAC-SHA256 Credential={key}/20260101/us-east-1/x/"}
            known = {"Host": f"127.0.0.1:{port}", **(signed if key else {})}
            assert ask(port, method, path, {**known, **fields}, body)[0] == 403, known


@with_emulator
def test_the_emulator_answers_whoever_has_the_key(stack: RunningStack) -> None:
    tables = set(stack.client("dynamodb").list_tables()["TableNames"])
    assert {"posthorn-control", "posthorn-mail"} <= tables
    assert stack.client("kms").list_keys()["Keys"]
    assert stack.client("sts").get_caller_identity()["Account"] == "000000000000"
    for port in emulators(stack):
        listed = {"X-Amz-Target": "DynamoDB_20120810.ListTables", **credential(stack)}
        status, _, body = ask(port, "POST", "/", {"Host": f"localhost:{port}", **listed}, "{}")
        assert status == 200, body


@with_emulator
def test_a_wrong_key_is_said_in_the_words_of_aws(stack: RunningStack) -> None:
    import botocore.session

    for service, call in (("sts", "get_caller_identity"), ("dynamodb", "list_tables")):
        client = botocore.session.get_session().create_client(
            service,
            region_name="us-east-1",
            endpoint_url=stack.facts["aws"],
            aws_access_key_id="posthorn",
            aws_secret_access_key="posthorn",
        )
        with pytest.raises(ClientError, match="the credential is not that of this stack"):
            getattr(client, call)()


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/", ""),
        ("GET", "/_local/inbox", ""),
        ("GET", "/_local/inbox/messages", ""),
        ("DELETE", "/_local/inbox/messages", ""),
        ("POST", "/_local/inbox/empty", ""),
        ("GET", "/_local/clock", ""),
        ("POST", "/_local/clock", '{"advance": 1}'),
        ("GET", "/_local/dns", ""),
        ("PUT", "/_local/dns/TXT/demo.test", '{"values": []}'),
        ("DELETE", "/_local/dns/TXT/demo.test", ""),
        ("POST", "/api/v2/emails", "{}"),
        ("GET", "/api/v2/emails", ""),
        ("POST", "/api/v1/send/message", "{}"),
        ("OPTIONS", "/api/v2/emails", ""),
        ("OPTIONS", "/_local/inbox/messages", ""),
    ],
)
def test_the_front_refuses_pages_and_other_hosts(
    stack: RunningStack, method: str, path: str, body: str
) -> None:
    port = int(stack.facts["http"].rpartition(":")[2])
    key = stack.facts["server"]["api_key"]
    keys = {"Authorization": f"Bearer {key}", "X-Server-API-Key": key}
    for page in pages(port):
        assert ask(port, method, path, {**page, **keys}, body)[0] == 403, page


def test_a_deployed_api_refuses_pages_and_other_hosts_at_the_emulators_own_port(
    stack: RunningStack,
) -> None:
    api = stack.facts["api"]
    port = int(api.split("/")[2].rpartition(":")[2])
    path = api.partition(f":{port}")[2] + "/api/v2/emails"
    key = {"Authorization": f"Bearer {stack.facts['server']['api_key']}"}
    assert ask(port, "GET", path, {"Host": f"127.0.0.1:{port}", **key})[0] == 200
    assert ask(port, "GET", path, {"Host": f"127.0.0.1:{port}"})[0] == 401
    for page in pages(port):
        assert ask(port, "GET", path, {**page, **key})[0] == 403, page


@pytest.mark.targets("local", "localstack")
def test_a_function_url_answers_the_front_and_nobody_else(stack: RunningStack) -> None:
    deployed = json.loads((stack.state / "deployed.json").read_text())
    host = deployed["outputs"]["TrackingAddress"].split("/")[2]
    port = int(stack.facts["aws"].rpartition(":")[2])
    for word in ({}, {"X-Posthorn-Front": "x"}):
        assert ask(port, "GET", "/img/aaaaaa/xx", {"Host": host, **word})[0] == 403
    front = int(stack.facts["http"].rpartition(":")[2])
    page = {"Host": f"127.0.0.1:{front}", "Sec-Fetch-Site": "cross-site", "X-Posthorn-Front": "x"}
    assert ask(front, "GET", "/img/aaaaaa/xx", page)[0] == 200
    track = {"Host": "track.posthorn.test"}
    assert ask(front, "POST", "/_ministack/reset", track)[0] in {403, 404}
    assert stack.client("dynamodb").list_tables()["TableNames"]


def test_a_mail_session_in_a_page_s_post_leaves_no_mail(stack: RunningStack) -> None:
    recipient = f"page-{secrets.token_hex(6)}@example.com"
    session = (
        "EHLO x\r\nMAIL FROM:<hello@demo.test>\r\n"
        f"RCPT TO:<{recipient}>\r\nDATA\r\nSubject: x\r\n\r\nx\r\n.\r\nQUIT\r\n"
    )
    for port in speaks_no_http(stack):
        head = f"POST / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: {EVIL}\r\n"
        size = f"Content-Type: text/plain\r\nContent-Length: {len(session)}\r\n\r\n"
        said = raw(port, (head + size + session).encode(), 3)
        assert not said.startswith(b"HTTP/"), port
        assert b"354" not in said, (port, said)
    marker = f"after-{secrets.token_hex(6)}@example.com"
    stack.submit(
        marker, f"From: hello@demo.test\r\nTo: {marker}\r\nSubject: x\r\n\r\nx\r\n".encode()
    )
    wait_for(lambda: stack.inbox(marker), "the message after it")
    assert stack.inbox(recipient) == []


def test_the_terminal_shows_no_key(stack: RunningStack) -> None:
    facts = stack.facts
    hidden = [
        facts["server"]["api_key"],
        facts["server"]["smtp_key"],
        facts["admin"]["password"],
    ]
    if not chosen().embedded:
        names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
        hidden += [facts["environment"][name] for name in names]
        hidden.append(json.loads((stack.state / "keys.json").read_text())["front"])
    assert all(len(key) > 12 for key in hidden)
    said = [stack.output, *(log.read_text() for log in (stack.state / "logs").glob("*.log"))]
    assert not [key for key in hidden for text in said if key in text]
    assert str(stack.state / "stack.json") in stack.output
