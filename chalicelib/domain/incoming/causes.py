"""Why a delivery failed, in the words of api.md 2.12, from what the receiving side said.

Asked in this order, the first that says something wins: a receiver's known wording; an enhanced code that is not
general; words of the text; a general code; the basic code. The rules are data (`cause_rules`). Texts are hostile:
of each the first LONGEST_TEXT characters are read, in time linear in them, without patterns that could backtrack.
"""

from __future__ import annotations

import re

from chalicelib.domain.incoming.cause_rules import (
    access_providers,
    languages,
    mail_systems,
    providers,
    services,
    wide_words,
    words,
    words_of_recipients,
)
from chalicelib.domain.incoming.cause_rules.codes import CODES, GENERAL
from chalicelib.domain.incoming.cause_table import RuleTable, read_rules
from chalicelib.domain.reply import Reply

LONGEST_TEXT = 4_000
LONGEST_CODE = 9
UNKNOWN = "unknown"
TRANSIENT = "transient"
COMPLAINT = "complaint"

SUPPRESSING = frozenset({"recipient_unknown", "mailbox_inactive", COMPLAINT})
"""Causes that say that the recipient is not there, or wants no mail."""
COUNTED = SUPPRESSING | {UNKNOWN}
"""Causes with which a hard failure counts towards suppressing its recipient."""
OURS = frozenset(
    "connection no_answer routing dns_failure policy spam authentication rate_limited greylisted tls_required protocol"
    " sender_invalid".split()
)
"""Causes that are about us or the way: giving up for one of them suppresses nobody."""
_OF_NAMED = frozenset({"recipient_unknown", "mailbox_inactive", "domain_unknown"})
_OF_ADDRESSES = _OF_NAMED | {UNKNOWN}
_AT_MAIL = ("in reply to mail from", "after mail from")  # as Postfix and Exim quote a reply

_ENHANCED = re.compile(r"(?<![\d.])[245]\.\d{1,3}\.\d{1,3}(?![\d.]*\d)")
_BASIC = re.compile(r"(?<![\d.])[45]\d\d(?![\d.]*\d)")
_ANY_REFUSAL = (
    "unknown address error"  # what IronPort writes in front of every refused recipient's reply
)
_JOINED = str.maketrans("-_", "  ")
_AROUND = str.maketrans(dict.fromkeys("<>()[]{}:;,|\"'", " "))
_CONTINUED = re.compile(r"\b([245]\d\d)-")
_REPEATED = re.compile(r"\b[245]\d\d(?:-| (?=[245]\.\d))(?:[245]\.\d{1,3}\.\d{1,3}\b)?")


def _spaced(text: str) -> str:
    """With words apart that `-` and `_` join, which some write together and others not."""
    return text.translate(_JOINED)


PROVIDERS = read_rules(one.RULES for one in (access_providers, mail_systems, services, providers))
WORDS = read_rules(
    (one.RULES for one in (words, words_of_recipients, languages, wide_words)), _spaced
)
_PROVIDERS, _WORDS = RuleTable(PROVIDERS), RuleTable(WORDS)


def cause_of(code: int, enhanced: str, text: str) -> str:
    """The cause of a refusal with this reply code (0: none known), enhanced code (RFC 3463; empty: none known) and
    text, which may hold codes of its own."""
    text, enhanced = text[:LONGEST_TEXT], enhanced[:LONGEST_CODE]
    codes = [one for one in _ENHANCED.findall(f"{text} {enhanced}") if one[0] != "2"]
    code = code or _basic(text)
    permanence = code // 100 or next((int(one[0]) for one in codes), 0)
    plain = " ".join((*codes, _plain(text)))
    cause = (
        _PROVIDERS.said(plain, permanence)
        or _meant(codes, general=False)
        or _WORDS.said(" ".join(_spaced(plain).split()), permanence)
        or _meant(codes, general=True)
        or (TRANSIENT if permanence == 4 else UNKNOWN)
    )
    is_at_mail = cause in _OF_NAMED and any(said in plain for said in _AT_MAIL)
    return "sender_invalid" if is_at_mail else cause


def cause_of_reply(reply: Reply, stage: str) -> str:
    """The cause of a refusal at a stage of a conversation: what is said of an address at MAIL is said of the sender."""
    cause = cause_of(reply.code, reply.enhanced, reply.text)
    return "sender_invalid" if stage == "MAIL" and cause in _OF_ADDRESSES else cause


def has_basic_code_alone(text: str) -> bool:
    """Whether this is a reply with a code of three digits and no enhanced one."""
    text = text[:LONGEST_TEXT]
    return _BASIC.search(text) is not None and _ENHANCED.search(text) is None


def is_about_us(cause: str, *, final: bool) -> bool:
    """Whether a failure for this cause, for now or `final`, says nothing of its recipient."""
    return cause not in COUNTED if final else cause in OURS


def _meant(codes: list[str], *, general: bool) -> str:
    for code in codes:
        _, subject, detail = code.split(".", 2)
        key = int(subject), int(detail)
        if key in CODES and (key in GENERAL) is general:
            return CODES[key]
    return ""


def _basic(text: str) -> int:
    found = _BASIC.search(text)
    return int(found[0]) if found else 0


def _plain(text: str) -> str:
    """The text in lower case on one line, without the codes that each line of a reply repeats, and with `<>` for
    each address, whose parts would be taken for words."""
    text = text.lower().replace("’", "'").replace("`", "'").replace(_ANY_REFUSAL, "")
    lines = _CONTINUED.search(text)
    words = _REPEATED.sub(" ", text).split()
    if lines is not None:
        words = [word for word in words if word != lines[1]]
    return " ".join(_without_address(word) if "@" in word else word for word in words)


def _without_address(word: str) -> str:
    return " ".join("<>" if "@" in part else part for part in word.translate(_AROUND).split())
