"""What somebody looks for with the search of every page, recognised by its form alone.

Pure. Nothing is looked up here; what an answer says of it decides.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from chalicelib.web.query_terms import quoted, terms_of

LONGEST = 500
_NUMBER = re.compile(r"[0-9]{1,18}")
_TOKEN = re.compile(r"[A-Za-z0-9]{16}")
_MESSAGE_ID = re.compile(r"<[^<>\s]{1,400}@[^<>\s]{1,400}>")
_ADDRESS = re.compile(r"[^\s@<>\",;:]{1,100}@[^\s@<>\",;:]{1,253}")
_DOMAIN = re.compile(r"(?:[\w-]{1,63}\.){1,10}[\w-]{2,63}")
_KEYS = frozenset(
    "to from subject status before after msgid id token tag stream credential route endpoint domain cause wait"
    " provider pool tries age spam bounce opened clicked size order".split()
)


@dataclass(frozen=True, slots=True)
class Sought:
    """`kind`: message, msgid, address, domain, query or words; `q` is the search for messages that goes with it."""

    kind: str
    text: str
    q: str


def sought(text: str) -> Sought:
    """What it is that is looked for."""
    text = " ".join(text.split())[:LONGEST]
    if _MESSAGE_ID.fullmatch(text):
        return Sought("msgid", text, f"msgid:{quoted(text.strip('<>'))}")
    if any(one.key in _KEYS or one.key.startswith("meta.") for one in terms_of(text)):
        return Sought("query", text, text)
    if _NUMBER.fullmatch(text) or _TOKEN.fullmatch(text):
        return Sought("message", text, text)
    if _ADDRESS.fullmatch(text):
        return Sought("address", text.lower(), quoted(text))
    if _DOMAIN.fullmatch(text):
        return Sought("domain", text.lower(), f"domain:{quoted(text)}")
    return Sought("words", text, text)
