"""The app behind the front: routes, limits and errors as API Gateway has them, safe from many threads."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from chalice.app import Response as ChaliceResponse

from chalicelib.api.v2.gateway_responses import answer_of
from functions.api import Application
from infra.local import clock
from infra.local.exchange import Request, Response
from infra.local.front import Front
from infra.local.lambda_http import LARGEST_EVENT, LambdaHttp
from tests.patience import PATIENCE


@pytest.fixture
def front() -> LambdaHttp:
    app = Application(app_name="sample")

    @app.route("/echo/{name}", methods=["POST"], content_types=["text/plain"])
    def echo(name: str) -> dict[str, object]:
        together.wait(PATIENCE)
        return {"name": name, "body": app.current_request.raw_body.decode()}

    @app.route("/cookies")
    def cookies() -> ChaliceResponse:
        return ChaliceResponse("x", headers={"Set-Cookie": ["a=1", "b=2"]})

    @app.route("/broken")
    def broken() -> None:
        raise RuntimeError("secret inside")

    @app.route("/large")
    def large() -> str:
        return "x" * (LARGEST_EVENT + 1)

    @app.route("/any/fixed")
    def fixed() -> str:
        return "fixed"

    @app.route("/any/{path+}", methods=["GET", "POST"])
    def greedy() -> str:
        return "greedy"

    together = Barrier(8)
    return LambdaHttp(app)


def get(front: LambdaHttp, path: str, method: str = "GET") -> tuple[int, bytes]:
    answer = front(Request(method, path, {}, b""))
    return answer.status, answer.body


def test_requests_at_the_same_time_see_their_own_request(front: LambdaHttp) -> None:
    def ask(number: int) -> dict[str, str]:
        headers = {"content-type": "text/plain"}
        answer = front(Request("POST", f"/echo/n{number}", headers, f"body {number}".encode()))
        found: dict[str, str] = json.loads(answer.body)
        return found

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(ask, range(8)))
    assert answers == [{"name": f"n{n}", "body": f"body {n}"} for n in range(8)]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/nothing/here"),
        ("GET", "/any"),
        ("GET", "/any/"),
        ("DELETE", "/cookies"),
        ("HEAD", "/cookies"),
        ("OPTIONS", "/cookies"),
        ("TRACE", "/cookies"),
        ("PUT", "/any/thing"),
    ],
)
@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer secret"}])
def test_what_has_no_route_is_a_404_that_says_what_api_gateway_will_say(
    front: LambdaHttp, method: str, path: str, headers: dict[str, str]
) -> None:
    answer = front(Request(method, path, headers, b""))
    fields, body = dict(answer.headers), json.loads(answer.body)
    assert answer.status == 404
    assert fields["Content-Type"] == "application/problem+json"
    said = json.loads(answer_of("MISSING_AUTHENTICATION_TOKEN").body_for(body["request_id"]))
    assert body == said
    assert body["request_id"] == fields["x-amzn-RequestId"]
    assert b"secret" not in answer.body


def test_a_greedy_route_takes_what_no_other_route_does(front: LambdaHttp) -> None:
    assert get(front, "/any/thing") == (200, b"greedy")
    assert get(front, "/any/thing/at/all?x=1") == (200, b"greedy")
    assert get(front, "/any/fixed") == (200, b"fixed")
    assert get(front, "/any/fixed", "POST") == (200, b"greedy")  # by path and method together


def test_repeated_response_headers_stay_apart(front: LambdaHttp) -> None:
    answer = front(Request("GET", "/cookies", {}, b""))
    assert [value for name, value in answer.headers if name == "Set-Cookie"] == ["a=1", "b=2"]


def test_an_error_in_a_view_shows_nothing_of_it(front: LambdaHttp) -> None:
    status, body = get(front, "/broken")
    assert status == 500
    assert b"secret" not in body
    assert b"Traceback" not in body


def test_payloads_above_lambdas_limit(front: LambdaHttp) -> None:
    headers = {"content-type": "text/plain"}
    answer = front(Request("POST", "/echo/x", headers, b"x" * (LARGEST_EVENT + 1)))
    assert answer.status == 413
    assert "POST /api/v2/uploads" in json.loads(answer.body)["detail"]
    status, body = get(front, "/large")
    assert (status, json.loads(body)["code"]) == (502, "no_answer")


HOST = "localhost:8000"
LINK = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}


@pytest.mark.parametrize(
    ("method", "headers", "refused"),
    [
        ("GET", {"host": "127.0.0.1:8000"}, False),
        ("GET", {"host": HOST}, False),
        ("GET", {"host": "LocalHost"}, False),
        ("GET", {"host": "[::1]:8000"}, False),
        ("GET", {"host": "rebound.example.com"}, True),
        ("GET", {"host": "127.0.0.1.example.com"}, True),
        ("GET", {"host": "localhost.:8000"}, True),
        ("GET", {"host": "evil@127.0.0.1:8000"}, True),
        ("GET", {"host": "127.0.0.1:8000, 127.0.0.1:8000"}, True),
        ("GET", {"host": "[::1"}, True),
        ("GET", {}, True),
        ("POST", {"host": HOST}, False),
        ("POST", {"host": HOST, "origin": f"http://{HOST}"}, False),
        ("POST", {"host": HOST, "origin": "http://localhost:9000"}, True),
        ("POST", {"host": HOST, "origin": "null"}, True),
        ("DELETE", {"host": HOST, "origin": "https://evil.example"}, True),
        ("POST", {"host": HOST, "sec-fetch-site": "cross-site"}, True),
        ("POST", {"host": HOST, "sec-fetch-site": "same-origin"}, False),
        ("POST", {"host": HOST, **LINK}, True),
        ("GET", {"host": HOST, "origin": "https://evil.example"}, True),
        ("GET", {"host": HOST, "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}, True),
        ("GET", {"host": HOST, "sec-fetch-site": "same-site"}, True),
        ("GET", {"host": HOST, "sec-fetch-site": "none"}, False),
        ("GET", {"host": HOST, **LINK}, False),
        ("GET", {"host": HOST, **LINK, "sec-fetch-dest": "iframe"}, True),
        ("OPTIONS", {"host": HOST, "origin": "https://evil.example"}, True),
    ],
)
@pytest.mark.parametrize(
    "path", ["/", "/_local/clock", "/_local/inbox", "/_local/dns/TXT/a.test", "/api/v2/emails"]
)
def test_neither_other_sites_nor_other_hosts_get_an_answer(
    tmp_path: Path, path: str, method: str, headers: dict[str, str], refused: bool
) -> None:
    def page(_request: Request) -> Response:
        return Response(200, b"an answer")

    front = Front(page, page, tmp_path / "clock", page, page)
    answer = front(Request(method, path, headers, b"{}"))
    assert (answer.status == 403) is refused
    assert not refused or answer.body.startswith(b'{"message": ')


@pytest.mark.parametrize(
    ("method", "dest", "refused"),
    [
        ("GET", "iframe", False),
        ("GET", "document", True),
        ("GET", "script", True),
        ("POST", "iframe", True),
    ],
)
def test_the_html_of_mail_is_framed_by_pages_at_the_other_name_of_this_machine(
    tmp_path: Path, method: str, dest: str, refused: bool
) -> None:
    def page(_request: Request) -> Response:
        return Response(200, b"an answer")

    headers = {"host": HOST, **LINK, "sec-fetch-dest": dest}
    front = Front(page, page, tmp_path / "clock", page, page)
    assert (front(Request(method, "/view/token", headers, b"")).status == 403) is refused


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"a":' * 100_000, b"\xff", b"[]", b"{}", b"1"])
def test_the_clock_refuses_what_is_no_advance(tmp_path: Path, body: bytes) -> None:
    def page(_request: Request) -> Response:
        return Response(200)

    front = Front(page, page, tmp_path / "clock", page)
    answer = front(Request("POST", "/_local/clock", {"host": HOST}, body))
    assert (answer.status, json.loads(answer.body)) == (
        400,
        {"message": 'send {"advance": seconds}'},
    )


@pytest.mark.parametrize(
    ("target", "refused"),
    [("http://evil.example/", True), ("http:///", True), (f"http://{HOST}/", False)],
)
def test_a_target_in_absolute_form_names_this_machine(
    tmp_path: Path, target: str, refused: bool
) -> None:
    def page(_request: Request) -> Response:
        return Response(200)

    front = Front(page, page, tmp_path / "clock", page)
    answer = front(Request("POST", target, {"host": HOST}, b""))
    assert (answer.status == 403) is refused


def test_the_clock_file_only_grows(tmp_path: Path) -> None:
    path = tmp_path / "clock"
    reader = clock.LocalClock(path)
    assert reader.offset() == 0
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: clock.advance(path, 10), range(20)))
    assert clock.read_offset(path) == 200
    for wrong in (-1.0, float("nan"), float("inf"), 1e12):
        with pytest.raises(clock.ClockError):
            clock.advance(path, wrong)
    assert clock.read_offset(path) == 200
