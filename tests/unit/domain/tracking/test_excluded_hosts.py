"""Hosts whose links stay: how they are written, and which addresses they mean."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from chalicelib.domain.tracking.excluded_hosts import ExcludedHosts, read_host
from tests.growth import assert_linear


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("Example.COM", "example.com"),
        ("example.com.", "example.com"),
        ("example.com:08443", "example.com:8443"),
        ("*.example.com", "*.example.com"),
        ("*.example.com:81", "*.example.com:81"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("*.BÜCHER.example.", "*.xn--bcher-kva.example"),
        ("straße.example", "xn--strae-oqa.example"),
        ("ΒΌΛΟΣ.example", "xn--nxasmq6b.example"),
        ("βόλος.example", "xn--nxasmm1c.example"),
        ("*.😀.ws:8443", "*.xn--e28h.ws:8443"),
        ("bücher。example。", "xn--bcher-kva.example"),
        ("xn--a.example", None),
        ("my_host", "my_host"),
        ("192.0.2.1", "192.0.2.1"),
        ("[2001:DB8::1]:8080", "[2001:db8::1]:8080"),
        ("", None),
        ("*", None),
        ("*.", None),
        ("a.*.example", None),
        ("*example.com", None),
        ("https://example.com/", None),
        ("example.com/", None),
        ("a..b", None),
        ("-a.example", None),
        ("a b.example", None),
        ("example.com:", None),
        ("example.com:0", None),
        ("example.com:65536", None),
        ("example.com:x", None),
        ("2001:db8::1", None),
        ("ü" * 64 + ".example", None),
        ("a." * 127 + "example", None),
        ("x" * 10_000, None),
    ],
)
def test_how_an_entry_is_stored(text: str, stored: str | None) -> None:
    assert read_host(text) == stored


@pytest.mark.parametrize(
    ("entry", "url", "expected"),
    [
        ("ex.example", "https://ex.example/", True),
        ("ex.example", "https://EX.example./x", True),
        ("ex.example", "https://ex.example:443/", True),
        ("ex.example", "http://ex.example:80/", True),
        ("ex.example", "http://ex.example:/", True),
        ("ex.example", "http://ex.example:443/", False),
        ("ex.example", "https://ex.example:8443/", False),
        ("ex.example", "https://a.ex.example/", False),
        ("ex.example", "https://notex.example/", False),
        ("ex.example:443", "https://ex.example/", True),
        ("ex.example:8443", "https://ex.example:8443/", True),
        ("ex.example:8443", "https://ex.example/", False),
        ("*.ex.example", "https://a.ex.example/", True),
        ("*.ex.example", "https://a.b.ex.example.:443/", True),
        ("*.ex.example", "https://ex.example/", False),
        ("*.ex.example", "https://notex.example/", False),
        ("*.ex.example", "https://a.ex.example:8443/", False),
        ("*.ex.example:8443", "https://a.ex.example:8443/", True),
        ("bücher.example", "https://xn--bcher-kva.example/", True),
        ("straße.example", "https://xn--strae-oqa.example/", True),
        ("straße.example", "https://strasse.example/", False),
        ("[2001:db8::1]", "http://[2001:db8::1]:80/", True),
        ("OLD entry", "https://ex.example/", False),
    ],
)
def test_which_addresses_an_entry_means(entry: str, url: str, expected: bool) -> None:
    assert ExcludedHosts([entry]).has(url, urlsplit(url).netloc.lower()) is expected


def test_work_grows_with_the_host() -> None:
    hosts = ExcludedHosts(["*.ex.example"])
    assert_linear(
        lambda host: hosts.has(f"https://{host}/", host), "a." * 20_000 + "b", "a." * 80_000 + "b"
    )
