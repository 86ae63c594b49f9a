"""Reports that are written for people alone: those of old mail systems and of providers.

A text is taken for one by who sent it and how it speaks (`wordings`); a block begins at each line that begins with an
address. What other mail is quoted or returned below is looked at for what it names, never for what went wrong.
"""

from __future__ import annotations

import re
from dataclasses import replace

from chalicelib.domain.incoming.causes import TRANSIENT, UNKNOWN, cause_of
from chalicelib.domain.incoming.reports.report import (
    LONGEST_DIAGNOSTIC,
    RecipientBlock,
)
from chalicelib.domain.incoming.reports.status_part import MOST_BLOCKS, cause_told
from chalicelib.domain.incoming.reports.wordings import (
    BOUNCE_SUBJECTS,
    BOUNCE_TEXTS,
    DELAYS,
    MARKERS,
    place_of_first,
    says_any,
)
from chalicelib.domain.report import ReportKind

LONGEST_TEXT = 65_536
LONGEST_BLOCK = 2_000
MOST_PARAGRAPHS = 10
MOST_BEFORE = 100  # what a reply is quoted with

_AROUND = str.maketrans(dict.fromkeys("<>()[]{}\"',;|*", " "))
_STATUS = re.compile(r"(?<![\d.])[245]\.\d{1,3}\.\d{1,3}(?![\d.]*\d)")
_ANSWERED = re.compile(r"\s*(?:re|aw|sv|vs|antw|odp|rif)(?:\[\d{1,3}\])?\s*:", re.IGNORECASE)
_CLOSING = {"(": ")", "'": "'", '"': '"', "<": ">", "[": "]"}
_ANSWER = re.compile(r"(?<![\d.])[45]\d\d(?:[ -]|$)")


def own_words(text: str) -> tuple[str, str]:
    """What a report says itself, and what it returns below that."""
    text = text[:LONGEST_TEXT]
    place = place_of_first(text.lower(), MARKERS)
    return (text, "") if place < 0 else (text[:place], text[place:])


def is_bounce(subject: str, text: str, *, from_daemon: bool) -> bool:
    """Whether a message without a status part reports a failure or a delay: a mail system says so, or somebody in the
    very words of one."""
    lines = [line for line in text.splitlines() if line[:1] != ">" or line.startswith(">>>")]
    plain = " ".join(" ".join(lines).lower().replace("’", "'").split())
    if from_daemon:
        told = says_any(subject.lower(), BOUNCE_SUBJECTS) or says_any(subject.lower(), DELAYS)
        return told or says_any(plain, BOUNCE_TEXTS) or says_any(plain, DELAYS)
    is_answer = _ANSWERED.match(subject) is not None
    return (
        not is_answer
        and says_any(subject.lower(), BOUNCE_SUBJECTS)
        and says_any(plain, BOUNCE_TEXTS)
    )


def read_text(
    subject: str, text: str, failed: tuple[str, ...], ours: frozenset[str]
) -> list[RecipientBlock]:
    """The blocks of a text; `failed` are the recipients that the header names, `ours` addresses that are nobody's who
    failed. At least one."""
    plain = " ".join(f"{subject} {text}".lower().replace("’", "'").split())
    kind = ReportKind.DELAY if says_any(plain, DELAYS) else ReportKind.BOUNCE
    found = list(_split(text, ours))
    blocks = [_block(kind, names, said, _below_address(said)) for names, said in found]
    if not found:
        named = failed or tuple(dict.fromkeys(_addresses(text, ours)))[:MOST_BLOCKS]
        blocks = [_block(kind, named[:1], text, _telling(text))]
    known = {name for block in blocks for name in block.names}
    if others := [name for name in failed if name not in known]:
        telling = _telling(text)
        blocks += [_block(kind, (name,), text, telling) for name in others]
    if all(block.cause == UNKNOWN for block in blocks):
        told = cause_told("", _telling(text), text)
        told = TRANSIENT if told == UNKNOWN and kind is ReportKind.DELAY else told
        blocks = [replace(block, cause=told) for block in blocks]
    return blocks


def _split(text: str, ours: frozenset[str]) -> list[tuple[tuple[str, ...], str]]:
    """The lines that begin with an address, each with what follows it."""
    found: list[tuple[tuple[str, ...], list[str]]] = []
    for line in text.splitlines():
        first = line.strip(" \t-*•")[:1_000].split(" ", 1)[0]
        starts = _addresses(first, ours) if "@" in first else []
        if starts and found and found[-1][0] == tuple(starts[:1]):
            found[-1][1].append(line)  # the address once more, in the reply that is quoted
        elif starts and len(found) < MOST_BLOCKS:
            found.append((tuple(starts[:1]), [line]))
        elif found:
            found[-1][1].append(line)
    return [(names, "\n".join(lines)) for names, lines in found]


def _addresses(text: str, ours: frozenset[str]) -> list[str]:
    words = (word for word in text.translate(_AROUND).split() if "@" in word)
    plain = (word.lower().removeprefix("mailto:").strip(".:!?=") for word in words)
    return [word for word in plain if word.count("@") == 1 and word[0] != "@" and word not in ours]


def _block(kind: ReportKind, names: tuple[str, ...], said: str, telling: str) -> RecipientBlock:
    """`telling` is what is said where no reply is quoted."""
    said = said[:LONGEST_BLOCK]
    answer = _answer(said)
    status = _STATUS.findall(answer or said)
    answer = answer or telling
    return RecipientBlock(
        recipient=names[0] if names else None,
        names=names,
        kind=kind,
        status=status[0] if status else None,
        diagnostic=answer[:LONGEST_DIAGNOSTIC] or None,
        cause=cause_told(status[0] if status else "", answer, said),
    )


def _below_address(said: str) -> str:
    """The paragraph that begins behind the address, on its line or below."""
    line, _, below = said[:LONGEST_BLOCK].partition("\n")
    behind = line.strip(" \t-*•").partition(" ")[2].strip()
    told = f"{behind}\n{below}" if behind else below
    return " ".join(told.strip().partition("\n\n")[0].split())


def _telling(text: str) -> str:
    """The first paragraph that a cause is in; else the one below the first line, or that line."""
    text = "\n".join(text[:LONGEST_BLOCK].splitlines())
    for paragraph in text.split("\n\n")[:MOST_PARAGRAPHS]:
        told = " ".join(paragraph.split())
        if cause_of(0, "", told) not in (UNKNOWN, TRANSIENT):
            return told
    first, _, below = text.strip().partition("\n")
    return " ".join(below.strip().partition("\n\n")[0].split()) or first


def _answer(said: str) -> str:
    """The other side's reply as the text quotes it, from its code to the end of the paragraph."""
    lines = said.splitlines()
    for place, line in enumerate(lines):
        found = _ANSWER.search(line)
        if found is None:
            continue
        rest = [line[found.start() :].strip()]
        for following in lines[place + 1 : place + 10]:
            if not following.strip() or following.lstrip().startswith(">>>"):
                break
            rest.append(following.strip().removeprefix("<<<").strip())
        return _unwrapped(line[: found.start()], " ".join(rest))
    return ""


def _unwrapped(before: str, answer: str) -> str:
    """Without the end of what was opened in front of it, as in `(reason: …)` and `returned '…'`."""
    opened: list[str] = []
    for sign in before[-MOST_BEFORE:]:
        if opened and sign == _CLOSING[opened[-1]]:
            opened.pop()
        elif sign in _CLOSING:
            opened.append(sign)
    if "(" in opened:
        answer = _closed(answer)
    for sign in opened:
        whole = answer.removesuffix(".")
        if sign != "(" and whole.endswith(_CLOSING[sign]):
            answer = whole[:-1]
    return answer


def _closed(answer: str) -> str:
    """What stands before the parenthesis that closes none of its own."""
    depth = 0
    for place, sign in enumerate(answer):
        depth += (sign == "(") - (sign == ")")
        if depth < 0:
            return answer[:place]
    return answer
