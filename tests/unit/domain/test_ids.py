"""Keys, tokens and short identifiers."""

from __future__ import annotations

import re

import pytest

from chalicelib.domain import ids

NOISE = bytes(range(7, 71))


def test_a_key_has_shape_and_checksum() -> None:
    key = ids.new_key(NOISE[:32])
    assert re.fullmatch(r"ph_[A-Za-z0-9]{32}_[A-Za-z0-9]{6}", key)
    assert ids.is_new_key(key)


@pytest.mark.parametrize("position", [3, 20, 40])
def test_a_mistyped_key_is_noticed(position: int) -> None:
    key = ids.new_key(NOISE[:32])
    wrong = key[:position] + ("0" if key[position] != "0" else "1") + key[position + 1 :]
    assert not ids.is_new_key(wrong)


@pytest.mark.parametrize(
    "text", ["", "ph__", "ph_a_b", "ph_" + "é" * 32 + "_000000", "x" * 50, "a_b_c_d"]
)
def test_other_texts_are_no_keys_of_ours(text: str) -> None:
    assert not ids.is_new_key(text)


def test_the_digest_is_sha256() -> None:
    assert (
        ids.key_digest("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )
    assert len(ids.key_digest("\ud800")) == 64


@pytest.mark.parametrize(
    ("server", "message"), [(0, 0), (1, 1), ((1 << 22) - 1, (1 << 31) - 1), (5, 37_171)]
)
def test_a_token_is_read_back(server: int, message: int) -> None:
    token = ids.make_token(server, message, NOISE)
    assert re.fullmatch(r"[A-Za-z0-9]{16}", token)
    assert ids.read_token(token) == (server, message)


@pytest.mark.parametrize(("server", "message"), [(1 << 22, 0), (0, 1 << 31), (-1, 0), (0, -1)])
def test_numbers_that_do_not_fit_are_refused(server: int, message: int) -> None:
    with pytest.raises(ValueError, match="fit into a token"):
        ids.make_token(server, message, NOISE)


@pytest.mark.parametrize(
    "text", ["", "abc", "a" * 17, "z" * 16, "a" * 15 + "-", "é" * 16, "a" * 15 + "\n"]
)
def test_other_texts_are_no_tokens(text: str) -> None:
    assert ids.read_token(text) is None


def test_a_return_path_survives_case_folding() -> None:
    token = ids.make_token(3, 99, NOISE)
    local = ids.return_path_local(token, b"key")
    assert re.fullmatch(r"[a-z2-7]{24}", local)
    assert ids.read_return_path_local(local, b"key") == token
    assert ids.read_return_path_local(local.upper(), b"key") == token


def test_a_return_path_of_one_kind_is_none_of_the_other() -> None:
    token = ids.make_token(3, 99, NOISE)
    own = ids.return_path_local(token, b"key")
    forwarded = ids.return_path_local(token, b"key", forwarded=True)
    assert len(forwarded) == 24
    assert ids.read_return_path_local(forwarded.upper(), b"key", forwarded=True) == token
    assert ids.read_return_path_local(forwarded, b"key") is None
    assert ids.read_return_path_local(own, b"key", forwarded=True) is None


def test_a_forged_return_path_is_refused() -> None:
    local = ids.return_path_local(ids.make_token(3, 99, NOISE), b"key")
    assert ids.read_return_path_local(local, b"another key") is None
    for position in range(24):
        wrong = local[:position] + ("a" if local[position] != "a" else "b") + local[position + 1 :]
        assert ids.read_return_path_local(wrong, b"key") is None


@pytest.mark.parametrize("text", ["", "bounce", "a" * 23, "a" * 25, "1" * 24, "é" * 24, "7" * 24])
def test_other_local_parts_are_not_ours(text: str) -> None:
    assert ids.read_return_path_local(text, b"key") is None


def test_only_tokens_make_return_paths() -> None:
    with pytest.raises(ValueError, match="token"):
        ids.return_path_local("nonsense", b"key")


def test_short_identifiers() -> None:
    assert re.fullmatch(r"[a-z]{6}", ids.random_letters(NOISE[:6], 6))
    assert re.fullmatch(r"[A-Z0-9]{8}", ids.log_id(NOISE[:8]))
    assert re.fullmatch(r"[A-Za-z0-9]{32}", ids.random_alphanumerics(NOISE[:32], 32))


@pytest.mark.parametrize(
    "make",
    [
        lambda: ids.new_key(b"x" * 31),
        lambda: ids.make_token(1, 1, b"x" * 5),
        lambda: ids.random_letters(b"x" * 5, 6),
        lambda: ids.log_id(b"x" * 7),
    ],
)
def test_too_little_randomness_is_refused(make: object) -> None:
    with pytest.raises(ValueError, match="random bytes"):
        make()  # type: ignore[operator]  # each is a function without arguments
