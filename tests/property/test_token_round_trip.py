"""Tokens and return paths: what goes in comes out, and nothing else does."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain import ids

SERVERS = st.integers(0, (1 << 22) - 1)
MESSAGES = st.integers(0, (1 << 31) - 1)


@given(SERVERS, MESSAGES, st.binary(min_size=6, max_size=16))
def test_tokens(server: int, message: int, random: bytes) -> None:
    token = ids.make_token(server, message, random)
    assert len(token) == 16
    assert token.isalnum()
    assert ids.read_token(token) == (server, message)


@given(SERVERS, MESSAGES, st.binary(min_size=6, max_size=6), st.binary(min_size=1, max_size=64))
def test_return_paths(server: int, message: int, random: bytes, key: bytes) -> None:
    token = ids.make_token(server, message, random)
    local = ids.return_path_local(token, key)
    assert local == local.lower()
    assert ids.read_return_path_local(local, key) == token
    assert ids.read_return_path_local(local, key + b"x") is None


@given(st.text(max_size=30) | st.text("abcdefghijklmnopqrstuvwxyz234567", min_size=24, max_size=24))
def test_strangers_write_no_return_path(local: str) -> None:
    token = ids.read_return_path_local(local, b"key")
    assert token is None or ids.return_path_local(token, b"key") == local.lower()


@given(st.text(max_size=20))
def test_any_text_is_a_token_or_none(text: str) -> None:
    found = ids.read_token(text)
    assert found is None or (0 <= found[0] < 1 << 22 and 0 <= found[1] < 1 << 31)


@given(st.binary(min_size=32, max_size=64))
def test_keys(random: bytes) -> None:
    assert ids.is_new_key(ids.new_key(random))
