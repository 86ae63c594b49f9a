"""Requests to track domains: which image or link a path names, whose visit it is, and where a link may lead."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain.tracking.visit import (
    LONGEST_PATH,
    Request,
    Visit,
    Wanted,
    address_of,
    has_source,
    is_automatic,
    location_of,
    read_path,
    user_agent_of,
)

TOKEN = "0123456789abcdefABCDEF"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"


def a_visit(**changes: Any) -> Visit:
    values: dict[str, Any] = {
        "method": "GET",
        "path": "/",
        "query": "",
        "headers": {"user-agent": BROWSER},
        "source_address": "203.0.113.9",
    }
    return Visit(**(values | changes))


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (f"/img/abcdef/{TOKEN}", Request(Wanted.IMAGE, "abcdef", TOKEN)),
        (f"/abcdef/{TOKEN}", Request(Wanted.LINK, "abcdef", TOKEN)),
        ("/abcdef/x", Request(Wanted.LINK, "abcdef", "x")),
        ("/img/x", Request(Wanted.LINK, "img", "x")),
        ("/img/a.b/x", Request(Wanted.IMAGE, "a.b", "x")),
        ("/a.b/x", Request(Wanted.UNKNOWN_SERVER)),
        (f"/{'a' * 33}/x", Request(Wanted.UNKNOWN_SERVER)),
        ("/ünï/x", Request(Wanted.UNKNOWN_SERVER)),
        ("/", Request(Wanted.NOTHING)),
        ("", Request(Wanted.NOTHING)),
        ("/abcdef", Request(Wanted.NOTHING)),
        ("/abcdef/", Request(Wanted.NOTHING)),
        ("//x", Request(Wanted.NOTHING)),
        ("/a/b/c", Request(Wanted.NOTHING)),
        ("/img/a/b/c", Request(Wanted.NOTHING)),
        ("a/b", Request(Wanted.NOTHING)),
        (f"/abcdef/{TOKEN}.", Request(Wanted.LINK, "abcdef", TOKEN)),
        (f"/abcdef/{TOKEN}/", Request(Wanted.LINK, "abcdef", TOKEN)),
        (f"/abcdef/{TOKEN}>),;'*", Request(Wanted.LINK, "abcdef", TOKEN)),
        (f"/abcdef/{TOKEN}%3E%C2%BB", Request(Wanted.LINK, "abcdef", TOKEN)),
        (f"/img/abcdef/{TOKEN}%2f", Request(Wanted.IMAGE, "abcdef", TOKEN)),
        (f"/%61bcdef/%30{TOKEN[1:]}", Request(Wanted.LINK, "abcdef", TOKEN)),
        (f"/abcdef/{TOKEN}x", Request(Wanted.LINK, "abcdef", f"{TOKEN}x")),
        (f"/abcdef/{TOKEN}.x", Request(Wanted.LINK, "abcdef", f"{TOKEN}.x")),
        (f"/abcdef/{TOKEN}/x", Request(Wanted.NOTHING)),
        (f"/a.b/{TOKEN}.", Request(Wanted.UNKNOWN_SERVER)),
        ("https://abcdef/x", Request(Wanted.NOTHING)),
        (f"/abcdef/{'x' * LONGEST_PATH}", Request(Wanted.NOTHING)),
    ],
)
def test_paths(path: str, expected: Request) -> None:
    assert read_path(path) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", False),
        ("src=http://x", True),
        ("a=1&src=", True),
        ("source=1", False),
        ("a=src", False),
        ("%73rc=http://x", True),
        ("a=%26src=1", False),
        ("src", True),
        (f"a={'x' * 1_024}&src=1", True),
        (f"a={'x' * 1_024}", False),
        (f"a={'x' * 8_192}&src=1", True),
    ],
)
def test_no_other_image_is_fetched(query: str, expected: bool) -> None:
    assert has_source(query) is expected


@pytest.mark.parametrize(
    "changes",
    [
        *({"method": method} for method in ("HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "POST")),
        {"headers": {"user-agent": BROWSER, "sec-purpose": "prefetch;prerender"}},
        {"headers": {"user-agent": BROWSER, "purpose": "Prefetch"}},
        {"headers": {"user-agent": BROWSER, "x-purpose": "preview"}},
        {"headers": {"user-agent": BROWSER, "x-moz": "prefetch"}},
        {"headers": {}},
        {"headers": {"user-agent": " "}},
        {"headers": {"user-agent": "Mozilla/5.0"}},
        {"headers": {"user-agent": "Mozilla/5.0 (via ggpht.com GoogleImageProxy)"}},
        {"headers": {"user-agent": "YahooMailProxy; https://help.yahoo.com/"}},
        {"headers": {"user-agent": f"{BROWSER} Googlebot/2.1"}},
        {"headers": {"user-agent": "python-requests/2.32"}},
    ],
)
def test_machines_are_told(changes: dict[str, Any]) -> None:
    assert is_automatic(a_visit(**changes))


@pytest.mark.parametrize(
    "agent",
    [
        BROWSER,
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148",
        "Mozilla/4.0 (compatible; ms-office; MSOffice 16)",
        "Thunderbird/128.0 (Robotron edition)",
    ],
)
def test_people_are_not_taken_for_machines(agent: str) -> None:
    assert not is_automatic(a_visit(headers={"user-agent": agent}))


def test_what_a_client_says_of_itself_is_cut() -> None:
    assert len(user_agent_of(a_visit(headers={"user-agent": "x" * 100_000}))) == 500
    assert user_agent_of(a_visit(headers={})) == ""


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("Posteingang für Mac", "Posteingang für Mac"),
        ("Posteingang für Mac".encode().decode("latin-1"), "Posteingang für Mac"),
        ("für Ωmega", "für Ωmega"),
        (f"{'ü' * 400}".encode().decode("latin-1"), "ü" * 400),
        ("a\x00b\x1b[2Jc\r\nSet-Cookie: d\x85\u2028\u202e\ud800e", "a b [2Jc  Set-Cookie: d    e"),
    ],
)
def test_what_a_client_says_of_itself_is_one_line_of_text(said: str, expected: str) -> None:
    assert user_agent_of(a_visit(headers={"user-agent": said})) == expected


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("198.51.100.7:46532", "198.51.100.7"),
        ("2001:db8::1:46532", "2001:db8::1"),
        ("[2001:db8::1]:46532", "2001:db8::1"),
        ("nonsense", "203.0.113.9"),
        ("<script>:1", "203.0.113.9"),
        ("", "203.0.113.9"),
    ],
)
def test_cloudfronts_word_counts_only_behind_cloudfront(said: str, expected: str) -> None:
    headers = {"cloudfront-viewer-address": said, "x-forwarded-for": "192.0.2.66"}
    visit = a_visit(headers=headers)
    assert address_of(visit, behind_cloudfront=True) == expected
    assert address_of(visit, behind_cloudfront=False) == "203.0.113.9"


@pytest.mark.parametrize("source", ["", "unknown", "fe80::1%eth0", "x" * 1_000])
def test_an_address_is_one_or_none(source: str) -> None:
    assert address_of(a_visit(source_address=source), False) == ""


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://acme.test/", "https://acme.test/"),
        ("HTTP://acme.test/a%20b?q=%2F&x=[1]#f", "HTTP://acme.test/a%20b?q=%2F&x=[1]#f"),
        ("https://acme.test:8443/~a/(b)/'c'*!$,;@:", "https://acme.test:8443/~a/(b)/'c'*!$,;@:"),
        ("https://acme.test/ü x", "https://acme.test/%C3%BC%20x"),
        ("https://acme.test/\r\nSet-Cookie: a=b", "https://acme.test/%0D%0ASet-Cookie:%20a=b"),
        ("https://acme.test/\x00\u2028", "https://acme.test/%00%E2%80%A8"),
        ('https://acme.test/"<script>', "https://acme.test/%22%3Cscript%3E"),
        ("https://acme.test/\ud800", "https://acme.test/?"),
        ("https://good.test\\@evil.test/", "https://good.test%5C@evil.test/"),
        ("javascript://acme.test/%0aalert(1)", None),
        ("javascript:alert(1)", None),
        ("data:text/html,x", None),
        ("//evil.test/", None),
        ("/path", None),
        ("https:///evil.test", None),
        ("https://", None),
        ("https://?x", None),
        (" https://acme.test/", None),
        ("ftp://acme.test/", None),
        ("", None),
        (f"https://acme.test/{'x' * 9_000}", None),
    ],
)
def test_where_a_link_may_lead(url: str, expected: str | None) -> None:
    found = location_of(url)
    assert found == expected
    assert found is None or (found.isascii() and found.isprintable() and " " not in found)
