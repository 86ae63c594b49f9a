"""docs/one-host.md as a program can follow it: its sections, and in each the blocks of commands, in order.

Every block is taken by a test, or else the page says beside it that no test plays it, and why.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "one-host.md"
NOT_PLAYED = re.compile(r"[Nn]o test plays")
_PIECE = re.compile(r"^```(\w*)\n(.*?)^```$|^(##+) ([^\n]+)$", re.MULTILINE | re.DOTALL)


@dataclass
class Block:
    """What stands between the fences, and the prose around it, up to the neighbouring blocks."""

    heading: str
    text: str
    before: str
    after: str = ""

    @property
    def is_excused(self) -> bool:
        """Whether the page says that it is not played."""
        last_words = self.before.rpartition("\n\n")[2] if self.before else ""
        return bool(NOT_PLAYED.search(last_words) or NOT_PLAYED.search(self.after))


@dataclass
class Page:
    """The blocks of shell commands, and which of them were taken."""

    blocks: list[Block] = field(default_factory=list)
    taken: list[Block] = field(default_factory=list)

    def take(self, heading: str, number: int = 1) -> str:
        """Block `number` of a section, counted from 1."""
        found = [block for block in self.blocks if block.heading == heading]
        assert len(found) >= number, f"{heading} has {len(found)} blocks"
        self.taken.append(found[number - 1])
        return found[number - 1].text

    def note_behind(self, heading: str, prose: str) -> None:
        """The prose behind the block before, if it is of the same section."""
        if self.blocks and self.blocks[-1].heading == heading and not self.blocks[-1].after:
            self.blocks[-1].after = prose.partition("\n\n")[0]

    def left_out(self) -> list[str]:
        """Blocks that nobody took and that are not excused."""
        return [
            f"{block.heading}: {block.text}"
            for block in self.blocks
            if block not in self.taken and not block.is_excused
        ]


def read_page() -> Page:
    """The page as it is in the repository."""
    text, heading, at, page = PAGE.read_text(), "", 0, Page()
    for piece in _PIECE.finditer(text):
        prose, at = text[at : piece.start()].strip(), piece.end()
        language, block, _, title = piece.groups()
        page.note_behind(heading, prose)
        if title:
            heading = title
        elif language == "sh":
            page.blocks.append(Block(heading, block, prose))
    page.note_behind(heading, text[at:].strip())
    return page
