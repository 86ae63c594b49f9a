"""Cookies and origins: what a browser sends is a session of ours and of one of our pages, or nothing."""

from __future__ import annotations

import pytest

from chalicelib.api.browsers import (
    CsrfRefused,
    check_csrf,
    check_same_site,
    cookie_name,
    ended_cookie,
    kept_cookie,
    session_token,
)
from chalicelib.config import Settings

HTTPS = Settings(web_hostname="mail.example.com")
PLAIN = Settings(web_url="http://127.0.0.1:8000")
CSRF = "c" * 40


def test_the_cookie_is_for_this_host_alone() -> None:
    assert cookie_name(HTTPS) == "__Host-posthorn"
    assert kept_cookie(HTTPS, "abc").endswith("HttpOnly; SameSite=Lax; Secure")
    assert "Domain" not in kept_cookie(HTTPS, "abc")
    assert cookie_name(PLAIN) == "posthorn"
    assert "Secure" not in kept_cookie(PLAIN, "abc")
    assert ended_cookie(HTTPS).startswith("__Host-posthorn=; Path=/; Max-Age=0;")


@pytest.mark.parametrize(
    ("cookie", "token"),
    [
        ("__Host-posthorn=abc", "abc"),
        ("a=b; __Host-posthorn=abc; c=d", "abc"),
        ("a=b, __Host-posthorn=abc", "abc"),
        ("__Host-posthorn=abc; __Host-posthorn=abc", "abc"),
        ("__Host-posthorn=abc; __Host-posthorn=other", None),
        ("posthorn=abc", None),
        ("__host-posthorn=abc", None),
        ("__Host-posthorn=", None),
        ('__Host-posthorn="abc"', None),
        ("__Host-posthorn=ab c", None),
        ("__Host-posthorn=abc\x00", None),
        ("__Host-posthorn=" + "a" * 129, None),
        ("=" * 100_000, None),
        (";," * 100_000, None),
        ("__Host-posthorn " * 10_000, None),
        ("", None),
    ],
)
def test_a_token_is_read_from_one_cookie_of_its_name(cookie: str, token: str | None) -> None:
    assert session_token({"cookie": cookie}, HTTPS) == token


def test_without_tls_no_cookie_of_a_secure_front_is_read() -> None:
    assert session_token({"cookie": "posthorn=abc"}, PLAIN) == "abc"
    assert session_token({"cookie": "__Host-posthorn=abc"}, PLAIN) is None
    assert session_token({}, PLAIN) is None


@pytest.mark.parametrize(
    ("headers", "settings"),
    [
        ({}, HTTPS),
        ({"origin": "https://mail.example.com"}, HTTPS),
        ({"origin": "HTTPS://MAIL.example.com"}, HTTPS),
        ({"origin": "https://abc.execute-api.test", "host": "abc.execute-api.test"}, HTTPS),
        ({"origin": "http://localhost:8000", "host": "localhost:8000"}, PLAIN),
        ({"sec-fetch-site": "same-origin"}, HTTPS),
        ({"sec-fetch-site": "none"}, HTTPS),
    ],
)
def test_our_own_pages_may_ask(headers: dict[str, str], settings: Settings) -> None:
    check_same_site(headers, settings)
    check_csrf("POST", headers | {"posthorn-csrf": CSRF}, CSRF, settings)


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "http://mail.example.com",
        "https://mail.example.com.evil.example",
        "https://mail.example.com:444",
        "null",
        "",
        "https://mail.example.com, https://evil.example",
    ],
)
def test_no_page_of_another_origin_may(origin: str) -> None:
    with pytest.raises(CsrfRefused):
        check_same_site({"origin": origin}, HTTPS)
    with pytest.raises(CsrfRefused):
        check_csrf("POST", {"origin": origin, "posthorn-csrf": CSRF}, CSRF, HTTPS)
    check_csrf("GET", {"origin": origin}, CSRF, HTTPS)


@pytest.mark.parametrize("shown", [None, "", "d" * 40, CSRF[:-1], f"{CSRF}, {CSRF}", "ü" * 40])
def test_what_changes_something_shows_the_token(shown: str | None) -> None:
    headers = {} if shown is None else {"posthorn-csrf": shown}
    for method in ("POST", "PUT", "PATCH", "DELETE", "ANY"):
        with pytest.raises(CsrfRefused):
            check_csrf(method, headers, CSRF, HTTPS)
