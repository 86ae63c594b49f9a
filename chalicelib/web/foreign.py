"""Text that others wrote, as pages show it: escaped, isolated from the direction of what is around it, with control and
bidirectional characters made visible, and cut.

What it gives is HTML; everything else on a page is escaped by the templates.
"""

from __future__ import annotations

import unicodedata
from html import escape

from markupsafe import Markup

LONGEST = 300
MOST_TITLE = 2_000
_SHOWN = frozenset("\n\t")
# Marks that change the direction of what follows are format characters (Cf), as joiners of emoji and scripts are.
_JOINERS = frozenset("\u200c\u200d")


def visible(text: str, *, lines: bool = False) -> str:
    """Each control, format and lone surrogate character as `\\u{…}`; with `lines` line ends and tabs stay."""
    return "".join(one if _is_plain(one, lines=lines) else f"\\u{{{ord(one):x}}}" for one in text)


def foreign(text: object, longest: int = LONGEST) -> Markup:
    """The text in `<bdi>`, at most `longest` characters of it, and then up to MOST_TITLE in its title."""
    whole = "" if text is None else str(text)
    shown = visible(whole[:longest])
    if len(whole) <= longest:
        return Markup(f"<bdi>{escape(shown)}</bdi>")  # noqa: S704 - escaped here, and nowhere else
    title = escape(visible(whole[:MOST_TITLE]))
    return Markup(f'<bdi title="{title}">{escape(shown)}…</bdi>')  # noqa: S704 - escaped here


def _is_plain(one: str, *, lines: bool) -> bool:
    if one in _SHOWN:
        return lines
    return one in _JOINERS or unicodedata.category(one) not in (
        "Cc",
        "Cf",
        "Cs",
        "Co",
        "Cn",
        "Zl",
        "Zp",
    )
