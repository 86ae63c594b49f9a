"""Domain names as DNS and SMTP write them: the one conversion from what people type to ASCII.

It is UTS 46 without its transitional mappings, with the checks that browsers make (direction, joiners) and the length
limits of DNS, so that a name leads where a browser and curl would lead: `ß` stays `ß`, `😀.ws` is a name, letters of
any case or width are one. An `xn--` label must be what its Unicode form converts to. A label may have underscores, as
hosts that take mail do. Nothing is looked up, no list of top-level domains is asked, and no IPv4 address is seen in
digits. Work is bounded by `LONGEST_TYPED`.

This is the only module that knows the package `idna`, whose tables are pure data; it is loaded for names beyond plain
ASCII only (docs/adr/0023-domain-names-are-converted-in-one-place-as-browsers-do.md).
"""

from __future__ import annotations

import re
from functools import lru_cache

LONGEST_NAME = 253
LONGEST_TYPED = 255
"""Characters that are looked at; a name beyond is none, even where some of them would be mapped to nothing."""

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_FULL_STOPS = (".", "\u3002", "\uff0e", "\uff61")  # those of UTS 46 section 4.5
_JOINERS = "\u200c\u200d"
_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})


def ascii_name(text: str) -> str | None:
    """The name in lower-case ASCII, labels beyond ASCII as A-labels; None for what is no name.

    Nothing is forgiven at the ends: a final full stop or a blank makes it no name.
    """
    if len(text) > LONGEST_TYPED:
        return None
    if text.isascii() and "xn--" not in (lower := text.lower()):
        return lower if len(lower) <= LONGEST_NAME and _NAME.fullmatch(lower) else None
    return _converted(text)


def typed_name(text: str) -> str | None:
    """As `ascii_name` for a name on its own, with blanks around it and one final full stop left out."""
    text = text.strip()
    return ascii_name(text[:-1] if text.endswith(_FULL_STOPS) else text)


@lru_cache(maxsize=4_096)
def _converted(text: str) -> str | None:
    import idna

    try:
        mapped = idna.uts46_remap(text, std3_rules=False)
        labels = [_unicode_label(label) for label in mapped.split(".")]
        _check_direction(labels)
        name = ".".join(map(_ascii_label, labels))
    except (
        ValueError
    ):  # idna.IDNAError, UnicodeError of punycode, and a character that Python has no name for
        return None
    return name if len(name) <= LONGEST_NAME and _NAME.fullmatch(name) else None


def _unicode_label(label: str) -> str:
    """A mapped label in Unicode. Raises ValueError when UTS 46 section 4.1 finds it invalid."""
    import idna

    if label.startswith("xn--"):
        coded = label[4:].encode("ascii")
        label = coded.decode("punycode")
        if label.isascii() or label.encode("punycode") != coded:
            raise ValueError("not what its Unicode form converts to")
        if idna.uts46_remap(label, std3_rules=False) != label or label.startswith("xn--"):
            raise ValueError("decodes to what no label holds")
    if label.isascii():
        return label
    if len(label) > 63 or label.startswith("-") or label.endswith("-"):
        raise ValueError("too long, or a hyphen at an end")
    idna.check_initial_combiner(label)
    if not all(idna.valid_contextj(label, at) for at, char in enumerate(label) if char in _JOINERS):
        raise ValueError("a joiner where no script needs it")
    return label


def _check_direction(labels: list[str]) -> None:
    """The rule of RFC 5893, which holds for every label of a name that has right-to-left letters anywhere."""
    import unicodedata

    import idna

    letters = "".join(labels)
    strict = not _RIGHT_TO_LEFT.isdisjoint(map(unicodedata.bidirectional, letters))
    for label in labels:
        if not label:
            raise ValueError("an empty label")
        if strict or not label.isascii():
            idna.check_bidi(label, check_ltr=strict)


def _ascii_label(label: str) -> str:
    return label if label.isascii() else f"xn--{label.encode('punycode').decode('ascii')}"
