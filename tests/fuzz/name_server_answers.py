"""Fuzz target: what a name server sends is an answer, a referral or a bad message, within bounds."""

from __future__ import annotations

import struct

from chalicelib.domain.dns.message import MOST_RECORDS, BadMessage, question_of
from chalicelib.domain.dns.zone_answer import MOST_SERVERS, read_zone_answer

QUESTION = question_of("acme.test", "TXT")
HEAD = struct.pack("!6H", 7, 0x8400, 1, 1, 1, 1) + QUESTION
NS = b"\xc0\x0c\0\2\0\1\0\0\0\x3c\0\5\2ns\xc0\x0c"
SEEDS = (
    b"\xc0\x0c\0\x10\0\1\0\0\0\x3c\0\6\5hello",
    b"\xc0\x0c\0\5\0\1\0\0\0\x3c\0\7\4away\xc0\x11",
    NS + NS + b"\xc0\x29\0\1\0\1\0\0\0\x3c\0\4\x7f\0\0\1",
)
WORDS = (NS, b"\xc0\x0c", b"\xc0\x1b", b"\0\2\0\1", b"\0\6\0\1", b"\0\x1c\0\1", b"\3foo", b"\0\4")


def fuzz_name_server_answers(data: bytes) -> None:
    """As the records of a message whose header and question are right, and as a message of its own."""
    for message in (HEAD + data, data):
        try:
            answer = read_zone_answer(message, 7, QUESTION)
        except BadMessage:
            continue
        assert answer.size == len(message)
        assert len(answer.values) <= MOST_RECORDS
        assert answer.alias is None or not answer.values
        if answer.referral is not None:
            assert 0 < len(answer.referral.servers) <= MOST_SERVERS
            assert set(answer.referral.addresses) <= set(answer.referral.servers)
