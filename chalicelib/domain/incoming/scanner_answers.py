"""What scanners answer, read: spamd (SPAMC protocol), rspamd (its JSON) and clamd (INSTREAM).

Any bytes can be read; what is no answer is None. Scores have one decimal. At most 100 checks are kept, and of a
description 200 characters, because they are stored with the message.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from chalicelib.domain.inspection import SpamCheck, Threat

MOST_CHECKS = 100
LONGEST_DESCRIPTION = 200
LONGEST_DETAILS = 200
NO_THREATS = "No threats found"
NOT_SCANNED = "Could not scan message"

_SPAMD_STATUS = re.compile(rb"SPAMD/[0-9.]{1,5} 0 ")
_SPAMD_SCORE = re.compile(rb"^Spam: *\w{2,5} *; *(-?[0-9.]{1,12}) */", re.MULTILINE | re.IGNORECASE)
_TABLE = re.compile(r"^ ?---- -+ -+$", re.MULTILINE)
_CHECK = re.compile(r" ?(-?[0-9.]{1,8}) +(\w{1,100}) *(.*)")
# Rules about the way that a message took, which begins with us (contract section 5).
_OF_THE_NETWORK = re.compile(
    "NO_RECEIVED|NO_RELAYS|ALL_TRUSTED|FREEMAIL_FORGED_REPLYTO|RDNS_DYNAMIC|CK_HELO_GENERIC"
    "|SPF_.*|HELO_.*|.*DKIM_.*|RCVD_IN_.*"
)
_CLAMD = re.compile(rb"(?:stream|instream\(.{0,100}?\)): +(.+)", re.DOTALL)


class Scored(NamedTuple):
    """Points, and the rules that gave them."""

    score: float
    checks: tuple[SpamCheck, ...]


def read_spamd(answer: bytes, *, is_outgoing: bool) -> Scored | None:
    """The answer to REPORT. For outgoing mail, rules of the network and their points are left out."""
    head, _, body = answer.partition(b"\r\n\r\n")
    score = _SPAMD_SCORE.search(head)
    points = _number(score[1]) if score and _SPAMD_STATUS.match(head) else None
    if points is None:
        return None
    found = tuple(_spamd_checks(body.decode("utf-8", "replace")))
    if is_outgoing:
        counted = tuple(one for one in found if not _OF_THE_NETWORK.fullmatch(one.code))
        points += sum(one.score for one in counted) - sum(one.score for one in found)
        found = counted
    return Scored(_rounded(points), found[:MOST_CHECKS])


def read_rspamd(answer: bytes) -> Scored | None:
    """The body of the answer to /checkv2."""
    try:
        said = json.loads(answer)
    except (ValueError, RecursionError):
        return None
    score = _number(said.get("score")) if isinstance(said, dict) else None
    if score is None:
        return None
    symbols = said.get("symbols")
    listed = list(symbols.values()) if isinstance(symbols, dict) else []
    return Scored(_rounded(score), tuple(_rspamd_checks(listed))[:MOST_CHECKS])


def read_clamd(answer: bytes) -> Threat | None:
    """The answer to zINSTREAM; None for one that neither finds a threat nor none."""
    said = _CLAMD.match(answer.split(b"\0")[0].strip())
    text = said[1].decode("utf-8", "replace") if said else ""
    if text.upper() == "OK":
        return Threat(False, NO_THREATS)
    if text.endswith(" FOUND"):
        return Threat(True, text[-LONGEST_DETAILS:])
    return None


def _spamd_checks(report: str) -> Iterator[SpamCheck]:
    """The lines of the table; what begins with no score goes on with the description above it."""
    table = _TABLE.search(report)
    code, score, text = "", 0.0, ""
    for line in report[table.end() :].splitlines() if table else ():
        begun = _CHECK.match(line)
        points = _number(begun[1]) if begun else None
        if begun is None or points is None:
            text = f"{text} {line.strip()}".strip()[:LONGEST_DESCRIPTION]
            continue
        if code:
            yield SpamCheck(code, score, text)
        code, score, text = begun[2], _rounded(points), begun[3].strip()[:LONGEST_DESCRIPTION]
    if code:
        yield SpamCheck(code, score, text)


def _rspamd_checks(symbols: list[Any]) -> Iterator[SpamCheck]:
    for one in symbols:
        score = _number(one.get("score")) if isinstance(one, dict) else None
        if score is not None:
            name, text = str(one.get("name", ""))[:100], str(one.get("description") or "")
            yield SpamCheck(name, _rounded(score), text[:LONGEST_DESCRIPTION])


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and not isinstance(value, bool) else None


def _rounded(number: float) -> float:
    return round(number, 1) + 0.0
