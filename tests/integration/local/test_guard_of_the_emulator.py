"""The guard before the AWS emulator: what passes, what is refused, and what the emulator gets to see."""

from __future__ import annotations

import asyncio
import json
import stat
from pathlib import Path
from typing import Any

import pytest

from infra.local.folder import front_word, keys_of, new_keys, read_keys
from infra.local.guard import FRONT_HEADER, NO_KEY, NOT_HERE, OTHER_SITE, Asked, Guard, GuardedAsgi

KEYS = new_keys()
HOST = ("host", "127.0.0.1:4566")
API = "/restapis/a1b2c3d4e5/posthorn/_user_request_/api/v2/emails"
URL_HOST = "abcdef0123456789.lambda-url.us-east-1.on.aws"


def credential(key: str, scheme: str = "AWS4-HMAC-SHA256") -> str:
    scope = f"{key}/20260101/us-east-1/dynamodb/aws4_request"
    return f"{scheme} Credential={scope}, SignedHeaders=host;x-amz-date, Signature=0"


OURS = ("authorization", credential(KEYS.access_key_id))
WORD = (FRONT_HEADER, KEYS.front)
SCAN = ("x-amz-target", "DynamoDB_20120810.Scan")


def refusal(
    *fields: tuple[str, str], method: str = "POST", path: str = "/", query: str = ""
) -> str:
    return Guard(KEYS).refusal(Asked(method, path, query, fields))


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.0.0.1:4566", "localhost", "LOCALHOST:80", "[::1]", "[::1]:65535"],
)
def test_calls_under_the_key_pass_at_loopback(host: str) -> None:
    assert refusal(("host", host), OURS) == ""
    assert refusal(("host", host), OURS, SCAN, ("sec-fetch-site", "none")) == ""


@pytest.mark.parametrize(
    "hosts",
    [
        *([host] for host in ("", "rebind.evil.example", "rebind.evil.example:4566", "0.0.0.0")),
        *([host] for host in ("127.0.0.1.evil.example", "localhost.", "localhost.evil.example")),
        *([host] for host in ("127.0.0.1.", "127.0.0.2", "2130706433", "127.1", "[::1", "::1")),
        *([host] for host in ("evil@127.0.0.1", "127.0.0.1:4566@evil", "127.0.0.1:x", "10.0.0.1")),
        *([host] for host in ("127.0.0.1:123456", "127.0.0.1\n", "[::ffff:127.0.0.1]", URL_HOST)),
        *([host] for host in ("bucket.localhost", "bucket.s3.127.0.0.1", "127.0.0.1, evil")),
        [],
        ["127.0.0.1", "127.0.0.1"],
        ["127.0.0.1", "rebind.evil.example"],
    ],
)
@pytest.mark.parametrize("path", ["/", API, "/_ministack/health", "/_localstack/health"])
def test_no_other_host_passes_with_the_key_or_without(hosts: list[str], path: str) -> None:
    fields = [("host", host) for host in hosts]
    for method in ("GET", "POST", "OPTIONS"):
        assert refusal(*fields, OURS, path=path, method=method) == NOT_HERE
        assert refusal(*fields, path=path, method=method) == NOT_HERE


@pytest.mark.parametrize(
    ("target", "passes"),
    [
        (b"http://evil.example/", False),
        (b"HTTPS://evil.example:4566", False),
        (b"http://127.0.0.1:4566@evil.example/", False),
        (b"http:///", False),
        (b"http://127.0.0.1:4566/", True),
        (b"/http://evil.example/", True),
    ],
)
def test_an_absolute_target_stands_in_place_of_host(target: bytes, passes: bool) -> None:
    heard: list[int] = []

    async def application(_scope: Any, _receive: Any, _send: Any) -> None:
        heard.append(200)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b""}

    async def send(event: dict[str, Any]) -> None:
        if event["type"] == "http.response.start":
            heard.append(event["status"])

    scope = {
        "type": "http",
        "method": "POST",
        "path": target.decode(),
        "raw_path": target,
        "headers": [(name.encode(), value.encode()) for name, value in (HOST, OURS)],
    }
    asyncio.run(GuardedAsgi(application, Guard(KEYS))(scope, receive, send))
    assert heard == [200 if passes else 403]


@pytest.mark.parametrize(
    "field",
    [
        ("origin", "http://evil.example"),
        ("origin", "null"),
        ("origin", ""),
        ("origin", "http://127.0.0.1:4566"),
        ("origin", "http://localhost:8000"),
        ("origin", "moz-extension://x"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("sec-fetch-site", "same-origin"),
        ("sec-fetch-site", "none, cross-site"),
        ("sec-fetch-site", ""),
    ],
)
@pytest.mark.parametrize("path", ["/", API, "/2015-03-31/functions", "/_ministack/health"])
def test_no_page_of_a_browser_passes_with_the_key_or_without(
    field: tuple[str, str], path: str
) -> None:
    for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS"):
        assert refusal(HOST, OURS, field, path=path, method=method) == OTHER_SITE
        assert refusal(HOST, field, path=path, method=method) == OTHER_SITE


@pytest.mark.parametrize(
    "fields",
    [
        [],
        [("authorization", "")],
        [("authorization", credential("posthorn"))],
        [("authorization", credential("test"))],
        [("authorization", credential("000000000000"))],
        [("authorization", credential(KEYS.access_key_id.lower()))],
        [("authorization", credential(KEYS.access_key_id + "x"))],
        [("authorization", credential(KEYS.access_key_id[:-1]))],
        [("authorization", credential("schlüssel"))],
        [("authorization", f"Bearer {KEYS.access_key_id}")],
        [("authorization", f"AWS {KEYS.access_key_id}:sig")],
        [("authorization", f"Basic x Credential={KEYS.access_key_id}/")],
        [("authorization", f"AWS4-HMAC-SHA256 XCredential={KEYS.access_key_id}/")],
        [OURS, ("authorization", credential("test"))],
        [("x-amz-credential", f"{KEYS.access_key_id}/20260101/us-east-1/s3/aws4_request")],
        [("authorization", f"{credential('test')}, Credential={KEYS.access_key_id}/")],
    ],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/"),
        ("POST", "/2015-03-31/functions"),
        ("POST", "/2015-03-31/functions/x/invocations"),
        ("GET", "/bucket/key"),
        ("POST", "/_ministack/reset"),
        ("POST", "/_ministack/config"),
        ("GET", "/_ministack/sqs/messages"),
        ("GET", "/_localstack/diagnose"),
        ("GET", "/_aws/sqs/messages"),
        ("POST", "/_ministack/health"),
        ("GET", "/_ministack/health/"),
        ("GET", f"/_aws/lambda-url/{URL_HOST[:16]}/"),
        ("POST", "/restapis"),
        ("GET", "/restapis/a1/posthorn/_user_request_x"),
        ("GET", "/restapis/a1/posthorn/resources/_user_request_/"),
        ("GET", "/restapis/a1/post%2Fhorn/_user_request_/"),
        ("GET", "/restapis//posthorn/_user_request_/"),
        ("GET", "/x/restapis/a1/posthorn/_user_request_/"),
    ],
)
def test_nobody_passes_without_our_key(
    fields: list[tuple[str, str]], method: str, path: str
) -> None:
    assert refusal(HOST, *fields, method=method, path=path) == NO_KEY


def test_a_pre_signed_url_has_the_key_in_its_query() -> None:
    def signed(key: str, name: str = "X-Amz-Credential") -> str:
        return f"X-Amz-Algorithm=AWS4-HMAC-SHA256&{name}={key}%2F20260101%2Fus-east-1%2Fs3&x=%00"

    for method in ("GET", "PUT", "HEAD"):
        assert refusal(HOST, query=signed(KEYS.access_key_id), path="/b/k", method=method) == ""
    wrong = [
        signed("test"),
        signed(KEYS.access_key_id, "X-Amz-Credential2"),
        f"{signed(KEYS.access_key_id)}&{signed('test')}",
        f"{signed(KEYS.access_key_id)}&x-amz-credential=",
        "&".join(["a=b"] * 2_000 + [signed(KEYS.access_key_id)]),
        f"AWSAccessKeyId={KEYS.access_key_id}&Signature=x",
    ]
    for query in wrong:
        assert refusal(HOST, query=query, path="/b/k", method="GET") == NO_KEY
    assert refusal(HOST, OURS, query=signed("test")) == NO_KEY


def test_the_health_routes_and_a_deployed_api_need_no_key_of_aws() -> None:
    for path in ("/_ministack/health", "/_localstack/health"):
        assert refusal(HOST, method="GET", path=path) == ""
    for path in (API, "/restapis/a1b2c3d4e5/posthorn/_user_request_"):
        for method in ("GET", "POST", "DELETE"):
            assert refusal(HOST, method=method, path=path) == ""
    assert refusal(HOST, ("authorization", "Bearer ph_x"), path=API) == ""
    # Emulators find the call of AWS in this field, whatever the path.
    assert refusal(HOST, SCAN, path=API) == NO_KEY
    assert refusal(HOST, SCAN, OURS, path=API) == ""


@pytest.mark.parametrize("host", [URL_HOST, f"{URL_HOST}:4566", f"{URL_HOST}.127.0.0.1:4566"])
def test_what_the_front_hands_on_passes_for_function_urls(host: str) -> None:
    page = (("origin", "https://webmail.example"), ("sec-fetch-site", "cross-site"))
    assert refusal(("host", host), WORD, *page, path="/abcdef/x", method="GET") == ""
    assert refusal(("host", host), *page, path="/abcdef/x", method="GET") == NOT_HERE
    for word in ("", "x", KEYS.front[:-1], f"{KEYS.front}, x", KEYS.access_key_id, "ü"):
        assert refusal(("host", host), (FRONT_HEADER, word), path="/", method="GET") == NO_KEY
    assert refusal(("host", host), WORD, (FRONT_HEADER, "x"), path="/") == NO_KEY


def test_the_fronts_word_opens_function_urls_and_apis_and_nothing_else() -> None:
    assert refusal(HOST, WORD, path=API) == ""
    assert refusal(HOST, WORD) == NO_KEY
    assert refusal(HOST, WORD, OURS) == NO_KEY
    assert refusal(("host", "rebind.evil.example"), WORD, path="/x") == NO_KEY
    at_url = ("host", URL_HOST)
    assert refusal(at_url, WORD, SCAN, path="/x") == NO_KEY
    assert refusal(at_url, WORD, path="/_ministack/reset") == NO_KEY
    for path in ("/_localstack/config", "/_aws/sqs/messages", "/_local", "/_"):
        assert refusal(at_url, WORD, path=path) == NO_KEY
    assert refusal(at_url, WORD, path="/_local/inbox") == ""


Sent = list[dict[str, Any]]


def through(headers: list[tuple[bytes, bytes]], kind: str = "http") -> tuple[list[Any], Sent]:
    """What the application got, and what the client got."""
    seen: list[Any] = []
    sent: Sent = []

    async def application(scope: Any, _receive: Any, send: Any) -> None:
        seen.append(scope)
        if scope["type"] == "http":
            origins = [(b"Access-Control-Allow-Origin", b"*"), (b"access-control-max-age", b"1")]
            answer = [(b"X-Kept", b"1"), *origins]
            await send({"type": "http.response.start", "status": 200, "headers": answer})
            await send({"type": "http.response.body", "body": b"yes"})

    async def receive() -> dict[str, Any]:
        return {"type": f"{kind}.connect"}

    async def send(event: dict[str, Any]) -> None:
        sent.append(event)

    scope = {"type": kind, "method": "POST", "path": "/", "query_string": b"", "headers": headers}
    asyncio.run(GuardedAsgi(application, Guard(KEYS))(scope, receive, send))
    return seen, sent


def test_answers_that_pass_allow_no_origin() -> None:
    fields = [(b"Host", HOST[1].encode()), (b"Authorization", OURS[1].encode())]
    seen, sent = through(fields)
    assert len(seen) == 1
    assert sent[0]["status"] == 200
    assert sent[0]["headers"] == [(b"X-Kept", b"1")]
    assert sent[1]["body"] == b"yes"


def test_the_emulator_never_sees_the_fronts_word() -> None:
    word = (FRONT_HEADER.title().encode(), KEYS.front.encode())
    seen, _ = through([(b"host", URL_HOST.encode()), word, (b"x-other", b"1")])
    assert seen[0]["headers"] == [(b"host", URL_HOST.encode()), (b"x-other", b"1")]


@pytest.mark.parametrize(
    ("content_type", "start"),
    [(b"application/x-amz-json-1.0", b"{"), (b"application/x-www-form-urlencoded", b"<Error")],
)
def test_a_refusal_is_one_that_aws_clients_read(content_type: bytes, start: bytes) -> None:
    seen, sent = through([(b"host", b"evil.example"), (b"content-type", content_type)])
    assert seen == []
    assert sent[0]["status"] == 403
    assert b"InvalidClientTokenId" in sent[1]["body"]
    assert sent[1]["body"].startswith(start)
    assert not [name for name, _ in sent[0]["headers"] if name.startswith(b"access-control")]


def test_websockets_are_closed_before_they_open() -> None:
    fields = [(b"host", HOST[1].encode()), (b"authorization", OURS[1].encode())]
    seen, sent = through(fields, "websocket")
    assert (seen, [event["type"] for event in sent]) == ([], ["websocket.close"])


def test_a_state_folder_keeps_its_keys_and_no_two_have_the_same(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    for folder in (first, second):
        folder.mkdir()
    made = keys_of(first)
    assert keys_of(first) == made == read_keys(first)
    assert keys_of(second).access_key_id != made.access_key_id
    file = first / "keys.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert made.secret_access_key not in repr(made)
    assert made.front not in repr(made)
    assert front_word(first, made.variables) == made.front
    assert front_word(first, {"AWS_ACCESS_KEY_ID": "somebody's"}) == ""
    assert front_word(tmp_path, made.variables) == ""


@pytest.mark.parametrize(
    "damage", ["", "{", "[]", "{}", json.dumps({"access_key_id": "x", "front": "y"})]
)
def test_damaged_keys_are_made_anew(tmp_path: Path, damage: str) -> None:
    (tmp_path / "keys.json").write_text(damage)
    made = keys_of(tmp_path)
    assert len(made.access_key_id) >= 32
    assert read_keys(tmp_path) == made


def test_a_link_to_one_object_may_be_followed_from_a_page() -> None:
    query = f"X-Amz-Credential={KEYS.access_key_id}%2F20260101%2Fus-east-1%2Fs3%2Faws4_request"
    followed = (("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate"))
    assert refusal(HOST, *followed, method="GET", path="/bucket/x", query=query) == ""
    fetched = (("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "cors"))
    origin = ("origin", "http://localhost:8000")
    foreign = query.replace(KEYS.access_key_id, "AKIAOTHER")
    for method, fields, asked in (
        ("POST", followed, query),
        ("GET", fetched, query),
        ("GET", followed[:1], query),
        ("GET", (*followed, origin), query),
        ("GET", followed, ""),
        ("GET", followed, foreign),
        ("GET", followed, f"{query}&{foreign}"),
    ):
        refused = refusal(HOST, *fields, method=method, path="/bucket/x", query=asked)
        assert refused == OTHER_SITE, (method, fields, asked)
