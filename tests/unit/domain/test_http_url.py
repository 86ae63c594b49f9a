"""URLs are read in one way, and what programs read differently is none."""

from __future__ import annotations

import pytest

from chalicelib.domain.http_url import read_url, with_user_info

READ = {
    "http://app.example": ("http", "app.example", 80, "/", "app.example", ""),
    "HTTPS://App.Example:8443/Hook?a=b#top": ("https", "app.example", 8443, "/Hook?a=b", "app.example:8443", ""),
    "https://joe:p%40ss@app.example/in": ("https", "app.example", 443, "/in", "app.example", "joe:p%40ss"),
    "https://straße.example?x": ("https", "xn--strae-oqa.example", 443, "/?x", "xn--strae-oqa.example", ""),
    "http://[2001:DB8::1]:81/": ("http", "2001:db8::1", 81, "/", "[2001:db8::1]:81", ""),
    "http://0x7f.1/": ("http", "127.0.0.1", 80, "/", "127.0.0.1", ""),
    "http://1.app.0xg": ("http", "1.app.0xg", 80, "/", "1.app.0xg", ""),
    "http://%31%32%37.1:/": ("http", "127.0.0.1", 80, "/", "127.0.0.1", ""),
    "http://app.example/gr\u00fc\u00dfe%20": ("http", "app.example", 80, "/gr%C3%BC%C3%9Fe%20", "app.example", ""),
}  # fmt: skip
NONE = [
    "",
    "app.example",
    "ftp://app.example/",
    "http:/app.example",
    "http:///in",
    "http://a b/",
    "http://app.example/\r\nX: y",
    "http://app.example/a b",
    "http://app.example\\@127.0.0.1/",
    "http://127.0.0.1\\.app.example/",
    "http://a@b@app.example/",
    "http://app.example:0/",
    "http://app.example:65536/",
    "http://app.example:8o/",
    "http://app..example/",
    "http://4294967296/",
    "http://4294967297/",
    "http://256.1.1.1/",
    "http://1.2.3.4.5/",
    "http://app.example.1/",
    "http://app.09/",
    "http://app.0x/",
    "http://app.0x1f./",
    "http://app.%31/",
    "http://app.\uff11/",
    "http://[::g]/",
    "http://[fe80::1%25eth0]/",
    "http://[::1/",
    "http://::1/",
    "http://app.example/" + "a" * 2_000,
    "http://app\u2028.example/",
    "http://a/\ud800",
    "javascript:alert(1)",
]


@pytest.mark.parametrize("text", READ)
def test_the_parts_of_a_url(text: str) -> None:
    url = read_url(text)
    assert url is not None
    assert (url.scheme, url.host, url.port, url.target, url.authority, url.user_info) == READ[text]


@pytest.mark.parametrize("text", NONE)
def test_what_is_no_url_to_post_to(text: str) -> None:
    assert read_url(text) is None


def test_user_info_is_taken_apart_and_hidden() -> None:
    url = read_url("https://joe:secret@app.example/in")
    assert url is not None
    assert url.bare == "https://app.example/in"
    assert with_user_info(url.bare, "***") == "https://***@app.example/in"
    assert with_user_info(url.bare, "") == url.bare
