"""Browsers are called by the names that people know; whatever else a program says of itself is shown as it is."""

from __future__ import annotations

import pytest

from chalicelib.web.programs import program_words

WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (f"Mozilla/5.0 (X11; Linux x86_64) {WEBKIT} HeadlessChrome/1 Safari/1", "Chrome on Linux"),
        (f"Mozilla/5.0 (Windows NT 10.0) {WEBKIT} Chrome/1 Safari/1 Edg/1", "Edge on Windows"),
        (f"Mozilla/5.0 (Windows NT 10.0) {WEBKIT} Chrome/1 Safari/1 OPR/1", "Opera on Windows"),
        (f"Mozilla/5.0 (Linux; Android 10) {WEBKIT} Chrome/1 Safari/1", "Chrome on Android"),
        (f"Mozilla/5.0 (Macintosh; Mac OS X 10_15) {WEBKIT} Version/1 Safari/1", "Safari on macOS"),
        (f"Mozilla/5.0 (iPhone; like Mac OS X) {WEBKIT} CriOS/1 Safari/1", "Chrome on iPhone"),
        (f"Mozilla/5.0 (iPad; like Mac OS X) {WEBKIT} FxiOS/1 Safari/1", "Firefox on iPad"),
        ("Mozilla/5.0 (X11; Ubuntu; rv:1) Gecko/1 Firefox/1", "Firefox"),
        (
            "Mozilla/5.0 (Windows NT 10.0) something new",
            "Mozilla/5.0 (Windows NT 10.0) something new",
        ),
        ("curl/8.0 (Linux) Firefox/1", "curl/8.0 (Linux) Firefox/1"),
        ("<script>", "<script>"),
        ("", "Unknown program"),
    ],
)
def test_what_a_program_is_called(said: str, words: str) -> None:
    assert program_words(said) == words
