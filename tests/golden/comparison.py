"""What differs between a recorded value and ours, and the rows that say why it may.

Compared are keys in order, kinds and values. What differs by nature (ids, tokens, times, sizes, addresses of machines,
MIME boundaries) is compared by its form: both sides are put into the same words first. A difference that no row
explains is a failure, and so is a row that explains nothing.
"""

from __future__ import annotations

import base64
import email
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from email.message import Message
from fnmatch import fnmatchcase
from typing import Any

ABSENT = "(absent)"
ANYTHING = "(anything)"

# Values that are compared by their form, by the last name of their path.
_FORMS: dict[str, re.Pattern[str]] = {
    "id": re.compile(r"int:[1-9]\d*"),
    "token": re.compile(r"str:[0-9A-Za-z]{16}"),
    "time": re.compile(r"float:\d+\.\d{1,3}"),
    "timestamp": re.compile(r"float:\d{10}\.\d+"),
    "last_delivery_attempt": re.compile(r"float:\d{10}\.\d+"),
    "hold_expiry": re.compile(r"float:\d{10}\.\d+"),
    "log_id": re.compile(r"str:[0-9A-Z]{8}"),
    "size": re.compile(r"str:[1-9]\d*"),
}
# Pieces of texts that differ by nature, and the word that is put in their place.
_PIECES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000"), "{date}"),
    (re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"), "{time}"),
    (re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "{uuid}"),
    (re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}:\d+\b"), "{address}:{port}"),
    (re.compile(r"(?<=//click\.golden\.example/)[a-z]{6}/[0-9A-Za-z]{16,22}\b"), "{link}"),
    (re.compile(r"(?<=//click\.golden\.example/img/)[a-z]{6}/[0-9A-Za-z]{16,22}\b"), "{image}"),
    (re.compile(r'(?<=boundary=")[^"]+(?=")'), "{boundary}"),
)


@dataclass(frozen=True)
class Difference:
    """Where two values differ, and how, in the words of the comparison."""

    path: str
    theirs: str
    ours: str


@dataclass(frozen=True)
class Row:
    """A difference that stands: in which recordings and where (patterns of fnmatch), what, and why.

    `reason` stands word for word in `page`, a page of docs.
    """

    where: str
    path: str
    theirs: str
    ours: str
    page: str
    reason: str

    def explains(self, title: str, difference: Difference) -> bool:
        """Whether this is the row of a difference."""
        return (
            fnmatchcase(title, self.where)
            and fnmatchcase(difference.path, self.path)
            and self.theirs in (difference.theirs, ANYTHING)
            and self.ours in (difference.ours, ANYTHING)
        )


@dataclass
class Table:
    """The rows of one file of recordings, and which of them were needed."""

    rows: Sequence[Row]
    needed: set[Row] = field(default_factory=set)

    def unexplained(self, title: str, differences: Iterable[Difference]) -> list[Difference]:
        """The differences of a recording that no row explains."""
        left = []
        for difference in differences:
            rows = [row for row in self.rows if row.explains(title, difference)]
            self.needed |= set(rows)
            if not rows:
                left.append(difference)
        return left

    @property
    def needless(self) -> list[Row]:
        """Rows that explained nothing."""
        return [row for row in self.rows if row not in self.needed]


def differences(theirs: Any, ours: Any, path: str = "") -> Iterator[Difference]:
    """Where two JSON values differ; `theirs` is the recorded one."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        yield from _of_objects(theirs, ours, path)
    elif isinstance(theirs, list) and isinstance(ours, list):
        pairs = dict(enumerate(theirs)), dict(enumerate(ours))
        for at in range(max(len(theirs), len(ours))):
            yield from _of_members(*pairs, at, f"{path}[{at}]")
    elif (shown := plainly(theirs, path)) != (found := plainly(ours, path)):
        yield Difference(path, shown, found)


def _of_objects(theirs: dict[str, Any], ours: dict[str, Any], path: str) -> Iterator[Difference]:
    for name in {**theirs, **ours}:
        yield from _of_members(theirs, ours, name, f"{path}.{name}" if path else name)
    common = [name for name in theirs if name in ours]
    kept = [name for name in ours if name in theirs]
    if common != kept:
        yield Difference(f"{path} (order)", " ".join(common), " ".join(kept))


def _of_members(theirs: Any, ours: Any, name: Any, path: str) -> Iterator[Difference]:
    if name in theirs and name in ours:
        yield from differences(theirs[name], ours[name], path)
    elif name in theirs:
        yield Difference(path, plainly(theirs[name], path), ABSENT)
    else:
        yield Difference(path, ABSENT, plainly(ours[name], path))


def plainly(value: Any, path: str) -> str:
    """A value in words: its kind, and its text without what differs by nature."""
    if isinstance(value, str):
        for piece, word in _PIECES:
            value = piece.sub(word, value)
    shown = f"{type(value).__name__}:{value}"
    form = _FORMS.get(path.rpartition(".")[2])
    if form is not None and form.fullmatch(shown):
        return f"{type(value).__name__}:{{{path.rpartition('.')[2]}}}"
    return shown


def opened(data: Any) -> Any:
    """The data of an answer with its raw message as what is in it."""
    if not isinstance(data, dict) or "raw_message" not in data:
        return data
    return {**data, "raw_message": of_base64(data["raw_message"])}


def of_base64(text: str) -> dict[str, Any]:
    """The head and the leaves of a message in base64, and how long the lines of the base64 are."""
    *lines, last, end = text.split("\n")
    form = sorted({len(line) for line in lines}), 0 < len(last) <= 60, end == ""
    return {"base64": str(form), **of_message(base64.b64decode(text))}


def of_message(content: bytes) -> dict[str, Any]:
    """The fields of a message by lower-case name, and its leaves as type and text."""
    message = email.message_from_bytes(content)
    fields: dict[str, list[str]] = {}
    for name, value in message.items():
        fields.setdefault(name.lower(), []).append(re.sub(r"\r?\n", "", str(value)))
    leaves = [_leaf(part) for part in message.walk() if not part.is_multipart()]
    return {"headers": fields, "leaves": leaves}


def _leaf(part: Message) -> dict[str, str]:
    payload = part.get_payload(decode=True)
    assert isinstance(payload, bytes)
    text = payload.decode("utf-8", "replace").replace("\r\n", "\n").rstrip("\n")
    return {"type": part.get_content_type(), "text": text}
