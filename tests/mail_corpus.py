"""Messages that nobody here wrote: the samples that CPython ships to test its `email` package, with CRLF line ends."""

from __future__ import annotations

import importlib.util
from functools import cache
from importlib import resources

import pytest

from chalicelib.domain.mail.headers import read_headers
from chalicelib.domain.mail.newlines import normalise_newlines

PACKAGE = "test.test_email.data"


@cache
def samples() -> dict[str, bytes]:
    """Every sample by file name, each with a From field (DKIM demands one, and some samples have none)."""
    try:
        found = importlib.util.find_spec(PACKAGE)
    except ModuleNotFoundError:
        found = None
    if found is None:
        return {}
    return {
        entry.name: _with_from(normalise_newlines(entry.read_bytes()))
        for entry in sorted(resources.files(PACKAGE).iterdir(), key=lambda entry: entry.name)
        if entry.name.endswith(".txt")
    }


def well_formed_samples() -> dict[str, bytes]:
    """The samples whose header block has nothing but fields and an author with a domain: what every verifier can read.

    Skips the calling test where this Python came without its test package.
    """
    found = {name: content for name, content in samples().items() if _is_readable(content)}
    if not found:
        pytest.skip("this Python came without its test package, which holds the samples")
    return found


def _with_from(content: bytes) -> bytes:
    if read_headers(content).count(b"from"):
        return content
    return b"From: sample@example.com\r\n" + content


def _is_readable(content: bytes) -> bool:
    headers = read_headers(content)
    end = headers.fields[-1].end if headers.fields else 0
    covered = sum(field.end - field.start for field in headers.fields)
    only_fields = covered == end and content[end : headers.body_at] in (b"\r\n", b"")
    return only_fields and b"@" in headers.values(b"from")[0]
