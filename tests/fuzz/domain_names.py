"""Fuzz target of the conversion of domain names."""

from __future__ import annotations

from chalicelib.domain.domain_name import LONGEST_NAME, ascii_name

SEEDS = (
    "straße。xn--e28h.ws".encode(),
    b"xn--strae-oqa.test",
    "نامه‌ای.example".encode(),
    "ශ්‍රී.example".encode(),
    "א1.example".encode(),
)
WORDS = (
    b".", b"-", b"_", b"xn--", b"XN--", b"a", b"9", "ß".encode(), "Σ".encode(), "。".encode(), "\uff0e".encode(),
    "א".encode(), "\u0661".encode(), "\u094d".encode(), "\u0301".encode(), "\u200d".encode(), "\u200c".encode(),
    "\u00ad".encode(), "😀".encode(), "\U000e0100".encode(), b"\xff",
)  # fmt: skip


def fuzz_domain_name(data: bytes) -> None:
    """A name is a host name of DNS, and one that was converted stays as it is."""
    name = ascii_name(data.decode("utf-8", "surrogateescape"))
    if name is not None:
        assert len(name) <= LONGEST_NAME
        assert all(0 < len(label) <= 63 for label in name.split("."))
        assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-_.")
        assert ascii_name(name) == name
