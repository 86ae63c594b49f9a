"""A file's name in a header: for programs old and new, and nothing in it ends the field."""

from __future__ import annotations

import pytest

from chalicelib.domain.file_link import disposition


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("a b.txt", "attachment; filename=\"a b.txt\"; filename*=UTF-8''a%20b.txt"),
        ("größe.png", "attachment; filename=\"gr__e.png\"; filename*=UTF-8''gr%C3%B6%C3%9Fe.png"),
        ('"\r\n;\\', "attachment; filename=\"_____\"; filename*=UTF-8''%22%0D%0A%3B%5C"),
        ("\ud800", "attachment; filename=\"_\"; filename*=UTF-8''%3F"),
    ],
)
def test_the_name_is_encoded(name: str, told: str) -> None:
    assert disposition(name) == told


def test_of_a_long_name_the_end_counts() -> None:
    assert disposition("x" * 300 + ".pdf") == disposition("x" * 96 + ".pdf")
