"""SMTP replies between lines and values: codes, enhanced codes, what is no reply."""

from __future__ import annotations

import pytest

from chalicelib.domain.reply import Reply, parse_reply


@pytest.mark.parametrize(
    ("lines", "reply"),
    [
        ([b"250 2.1.5 Ok"], Reply(250, "2.1.5", "Ok")),
        ([b"250 Ok"], Reply(250, "", "Ok")),
        ([b"550-5.7.1 one", b"550 5.7.1 two"], Reply(550, "5.7.1", "one\ntwo")),
        # A line that carries another enhanced code keeps it as text.
        ([b"550-5.7.1 one", b"550 5.7.26 two"], Reply(550, "5.7.1", "one\n5.7.26 two")),
        # A class that contradicts the code is no enhanced code.
        ([b"550 4.7.1 no"], Reply(550, "", "4.7.1 no")),
        ([b"250"], Reply(250, "", "")),
    ],
)
def test_lines_are_read(lines: list[bytes], reply: Reply) -> None:
    assert parse_reply(lines) == reply


@pytest.mark.parametrize("lines", [[], [b"hello"], [b"250-a", b"251 b"], [b"25 x"]])
def test_what_is_no_reply(lines: list[bytes]) -> None:
    assert parse_reply(lines) is None


def test_rendered_lines_each_carry_both_codes() -> None:
    reply = Reply(550, "5.7.1", "one\ntwo")
    assert reply.render() == b"550-5.7.1 one\r\n550 5.7.1 two\r\n"
    assert parse_reply(reply.render().split(b"\r\n")[:-1]) == reply
    assert Reply(250, "", "").render() == b"250 \r\n"
