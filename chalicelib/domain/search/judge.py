"""Whether a message is one that a query is for. Linear in the lengths of both, without any regular expression."""

from __future__ import annotations

from chalicelib.domain.search.findable import Findable
from chalicelib.domain.search.query import Between, Condition, Key, Phrase, Query
from chalicelib.domain.search.words import fold, stand_side_by_side, words_of

ONLY_UNFINISHED = frozenset({Key.WAIT, Key.POOL, Key.TRIES, Key.AGE})
"""What asks for messages that wait or are held alone."""
# The name of the field that a text is compared with.
_TEXTS = {
    Key.TO: "rcpt_to",
    Key.FROM: "mail_from",
    Key.WORD: "subject",
    Key.SUBJECT: "subject",
    Key.TOKEN: "token",
    Key.TAG: "tag",
    Key.STREAM: "stream",
    Key.CREDENTIAL: "credential",
    Key.ROUTE: "route",
    Key.ENDPOINT: "endpoint",
    Key.DOMAIN: "domain",
    Key.CAUSE: "cause",
    Key.WAIT: "wait",
    Key.PROVIDER: "provider",
    Key.POOL: "pool",
}
_NUMBERS = {
    Key.RECEIVED: "received_at",
    Key.AGE: "received_at",
    Key.SIZE: "size",
    Key.TRIES: "tries",
}
FLAGS = {
    Key.SPAM: "is_spam",
    Key.BOUNCE: "is_bounce",
    Key.OPENED: "is_opened",
    Key.CLICKED: "is_clicked",
}
YES, NO = "yes", "no"


def holds(query: Query, found: Findable) -> bool:
    """Whether all clauses hold."""
    return all(
        any(_is_so(one, found) for one in clause.conditions) is not clause.is_negated
        for clause in query.clauses
    )


def bare_message_id(message_id: str) -> str:
    """A Message-ID without the brackets around it."""
    return message_id.strip().removeprefix("<").removesuffix(">")


def _is_so(condition: Condition, found: Findable) -> bool:
    if condition.key in ONLY_UNFINISHED and found.wait is None:
        return False
    value = condition.value
    if isinstance(value, Phrase):
        return stand_side_by_side(value.words, words_of(found.subject), value.is_prefix)
    if isinstance(value, Between):
        return value.has(getattr(found, _NUMBERS[condition.key]))
    return any(map(value.fits, _texts(condition, found)))


def _texts(condition: Condition, found: Findable) -> tuple[str, ...]:
    """What a pattern is compared with, folded."""
    match condition.key:
        case Key.STATUS:
            return found.statuses
        case Key.ID:
            return (str(found.message),)
        case Key.ADDRESS:
            return fold(found.rcpt_to), fold(found.mail_from)
        case Key.MSGID:
            return (fold(bare_message_id(found.message_id)),)
        case Key.META:
            given = [
                value for name, value in found.metadata.items() if fold(name) == condition.name
            ]
            return tuple(map(fold, given)) or ("",)
        case key if key in FLAGS:
            return (YES if getattr(found, FLAGS[key]) else NO,)
        case key:
            return (fold(getattr(found, _TEXTS[key])),)
