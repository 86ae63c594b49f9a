"""A reply comes apart from what mail programs put under it."""

from __future__ import annotations

import time

import pytest

from chalicelib.domain.mail.replies import split_reply

QUOTE = "> Hello\n> World"
MARKS = [
    "-- \nJoe",
    "---- \nold",
    "-----Original Message-----\nFrom: x",
    "----- Original Message -----\nx",
    "> -----Original Message-----\nx",
    "From: a@b.test\nSent: today\nx",
    "From: a@b.test\nDate: today\nx",
    "-----Ursprüngliche Nachricht-----\nVon: x",
    "-----Ursprüngliche Nachricht----- \nVon: x",
    "__________________\nx",
    "__________________________ x\nx",
    f"On Sat, 28 Nov 2026 at 09:00, Hello <hello@golden.example> wrote:\n{QUOTE}",
    f"On Sat, 28 Nov 2026 at 09:00,\nHello <hello@golden.example> wrote:\n{QUOTE}",
    f">  On Sat, 28 Nov 2026 at 09:00, Joe wrote:\n{QUOTE}",
    "Sent from my telephone",
    "=== Please reply above this line ===\nx",
]
NO_MARKS = [
    "--\nJoe",
    "- \nx",
    "----------- \nx",
    "x -- \ny",
    "x -----Original Message-----",
    "From: a@b.test\nSubject: x",
    "_________________\nx",
    "On it wrote:",
    f"On {'x' * 300} wrote:",
    "On Sat, 28 Nov 2026 at 09:00, Joe wrote: x",
    "I was Sent from my office",
    "Le 28 a écrit :",
    "\n".join(["> quoted"] * 9),
]


@pytest.mark.parametrize("mark", MARKS)
def test_from_a_mark_to_the_end(mark: str) -> None:
    assert split_reply(f"Thanks!\r\n\r\n{mark}\r\nmore\r\n") == (
        "Thanks!",
        f"{mark}\nmore".lstrip(),
    )


@pytest.mark.parametrize("text", NO_MARKS)
def test_what_is_no_mark_stays(text: str) -> None:
    assert split_reply(f" {text}\n\n") == (text, None)


def test_a_french_line_goes_alone() -> None:
    line = "Le 28 novembre 2026 à 09:00, Jean <j@x.test> a écrit :"
    assert split_reply(f"Merci\n{line}\n> Bonjour\n") == ("Merci\n\n> Bonjour", line)
    assert split_reply(f"Merci\n> {line[:-2]}:\nx") == ("Merci\n\nx", f"> {line[:-2]}:")


def test_ten_quoted_lines_go_and_what_follows_stays() -> None:
    block = "\n".join(["> quoted"] * 10)
    assert split_reply(f"Above\n{block}\nBelow") == ("Above\nBelow", block)


def test_what_a_later_rule_takes_stands_in_front() -> None:
    text = "Hi\nSent from my telephone\nFrom: a\nSent: b\nold\n"
    assert split_reply(text) == ("Hi", "Sent from my telephone\n\nFrom: a\nSent: b\nold")


def test_all_of_a_text_may_be_quoted() -> None:
    assert split_reply("-----Original Message-----\nx") == ("", "-----Original Message-----\nx")
    assert split_reply("") == ("", None)


HOSTILE = [
    "\n", ">", "> \n", "On\n", "wrote:\n", "From:\n", "From:\n\n\n", "Le \n", "Le 0123456789 a \n", "-", "-- ",
    "--- x\n", "_" * 17 + "\n",
    " \n", " ", ">\n" * 9 + "x\n", ">\n" * 10 + "x\n", "Le 0123456789 a écrit :\n", "On x\nwrote:\n",
]  # fmt: skip


@pytest.mark.parametrize("unit", HOSTILE, ids=repr)
def test_hostile_texts_take_linear_time(unit: str) -> None:
    def seconds(size: int) -> float:
        text = (unit * size)[:size]
        started = time.process_time()
        split_reply(text)
        return time.process_time() - started

    small = min(seconds(1 << 17) for _ in range(3))
    assert min(seconds(1 << 20) for _ in range(2)) < max(0.1, 16 * small)
