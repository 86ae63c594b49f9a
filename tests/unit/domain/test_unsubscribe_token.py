"""Tokens of links to unsubscribe: read back by who made them, and by nobody else's key."""

from __future__ import annotations

import pytest

from chalicelib.domain.digits import BASE62
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.unsubscribe_token import LENGTH, read_unsubscribe_token, unsubscribe_token

KEY = b"k" * 32
LAST = ServerId((1 << 22) - 1), MessageId((1 << 31) - 1)


@pytest.mark.parametrize(
    ("server", "message"), [(ServerId(0), MessageId(0)), (ServerId(7), MessageId(12_345)), LAST]
)
def test_a_token_names_its_message(server: ServerId, message: MessageId) -> None:
    token = unsubscribe_token(server, message, KEY)
    assert len(token) == LENGTH <= 64
    assert set(token) <= set(BASE62)
    assert read_unsubscribe_token(token, KEY) == (server, message)
    assert read_unsubscribe_token(token, b"x" * 32) is None


def test_no_change_of_a_token_is_one() -> None:
    token = unsubscribe_token(ServerId(7), MessageId(1), KEY)
    for at in range(LENGTH):
        for digit in BASE62:
            other = token[:at] + digit + token[at + 1 :]
            assert (read_unsubscribe_token(other, KEY) is None) is (other != token)
    for other in ("", token[1:], token + "0", "z" * LENGTH, "ä" * LENGTH, token[:-1] + "\n"):
        assert read_unsubscribe_token(other, KEY) is None


def test_numbers_that_do_not_fit_are_refused() -> None:
    for server, message in ((1 << 22, 1), (1, 1 << 31), (-1, 1), (1, -1)):
        with pytest.raises(ValueError, match="does not fit"):
            unsubscribe_token(ServerId(server), MessageId(message), KEY)
