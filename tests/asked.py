"""What a decision that asks DNS comes to, over answers from a dictionary; None stands for a server that is silent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from chalicelib.domain.incoming.asking import Asking, NoTelling

T = TypeVar("T")
Answers = Mapping[tuple[str, str], tuple[str, ...] | None]
MOST_QUESTIONS = 200


def answered(asking: Asking[T], answers: Answers) -> T:
    """The value, within a bounded number of questions."""
    try:
        ask = next(asking)
        for _ in range(MOST_QUESTIONS):
            answer = answers.get((ask.kind.name, ask.name), ())
            ask = asking.throw(NoTelling()) if answer is None else asking.send(answer)
    except StopIteration as done:
        value: T = done.value
        return value
    raise AssertionError("too many questions")
