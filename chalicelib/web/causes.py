"""Why mail fails or is delayed, in plain words: one table of the API's causes (api.md 2.12).

Pure. A cause that is new here stands as its own word, so that a page works with an API that says more.
"""

from __future__ import annotations

from typing import NamedTuple


class CauseWords(NamedTuple):
    """What happened as a title, in a few words for lists, what it means, and what helps."""

    title: str
    short: str
    meaning: str
    advice: str


CAUSES = {
    "recipient_unknown": CauseWords(
        "The mailbox does not exist",
        "no such mailbox",
        "The receiver knows no such recipient.",
        "Correct the address where you keep it. Writing to it again harms the standing of your domain.",
    ),
    "mailbox_inactive": CauseWords(
        "The mailbox is closed",
        "mailbox closed",
        "The mailbox is there, and takes no mail any more.",
        "Ask the recipient for another address.",
    ),
    "mailbox_full": CauseWords(
        "The mailbox is full",
        "mailbox full",
        "The recipient's mailbox has no room left. Only the recipient can change that.",
        "Wait: we try again by ourselves. If it stays full, ask for another address.",
    ),
    "domain_unknown": CauseWords(
        "The domain takes no mail",
        "domain takes no mail",
        "The part behind the @ does not exist, or says that it takes no mail.",
        "Look for a typing error in the address.",
    ),
    "dns_failure": CauseWords(
        "The DNS of the receiver does not answer",
        "DNS does not answer",
        "We cannot find out which server takes mail for this domain. Nothing is wrong with your mail.",
        "Wait: we ask again by ourselves. If it lasts, the owner of that domain has to mend it.",
    ),
    "complaint": CauseWords(
        "The recipient complained",
        "complained",
        "The recipient marked a message of yours as unwanted.",
        "Do not write to this person again unless they ask for it.",
    ),
    "authentication": CauseWords(
        "Refused because of SPF, DKIM or DMARC",
        "refused: authentication",
        "The receiver could not verify that this mail is from your domain.",
        "Compare the records of your domain.",
    ),
    "policy": CauseWords(
        "Refused by a rule of the receiver",
        "refused by a rule",
        "The receiver has a rule against this mail; its answer says more.",
        "Read the answer. Often it names a page of the receiver with what to do.",
    ),
    "spam": CauseWords(
        "Taken for spam",
        "taken for spam",
        "The receiver's filter thinks that this mail is unwanted.",
        "Look at what the message says and links to, and at the complaints of the last days.",
    ),
    "virus": CauseWords(
        "Taken for malware",
        "taken for malware",
        "The receiver found something in the message that it takes for harmful.",
        "Look at the attachments and links.",
    ),
    "sender_invalid": CauseWords(
        "The sender address was refused",
        "sender refused",
        "The receiver does not believe in the sender's address or its domain.",
        "Check that the domain of the sender has an MX record and takes mail.",
    ),
    "too_many_recipients": CauseWords(
        "Too many recipients at a time",
        "too many recipients",
        "The receiver takes fewer recipients in one go.",
        "Wait: we try again by ourselves.",
    ),
    "message_too_large": CauseWords(
        "The message is too large",
        "message too large",
        "The receiver takes smaller messages only.",
        "Send a link in place of the attachment.",
    ),
    "greylisted": CauseWords(
        "The receiver asked us to come back later",
        "asked to come back later",
        "The receiver turns away senders that it has not met before, once. "
        "It takes the message when we try again after the time it asked for; nothing is wrong with your mail.",
        "Wait: we try again by ourselves.",
    ),
    "rate_limited": CauseWords(
        "The receiver wants less mail at a time",
        "slowed down by the receiver",
        "The receiver takes only so much mail from us in a while.",
        "Wait: we slow down and try again by ourselves.",
    ),
    "transient": CauseWords(
        "The receiver could not take it now",
        "not possible now",
        "The receiver has trouble of its own and asks us to try again.",
        "Wait: we try again by ourselves.",
    ),
    "expired": CauseWords(
        "It could not be delivered in time",
        "not delivered in time",
        "All attempts were made, and none succeeded.",
        "Look at the answers of the attempts, and send it again when the cause is gone.",
    ),
    "connection": CauseWords(
        "The connection broke",
        "connection broke",
        "We reached a server of the receiver, and the connection ended before it took the message.",
        "Wait: we try again by ourselves.",
    ),
    "no_answer": CauseWords(
        "No server of the receiver answers",
        "no server answers",
        "We could reach none of the servers that take mail for this domain. Nothing is wrong with your mail.",
        "Wait: we try again by ourselves.",
    ),
    "routing": CauseWords(
        "The receiver's servers pass mail around",
        "mail goes in circles",
        "The receiver's own set-up leads mail in a circle, or nowhere.",
        "The owner of that domain has to mend it.",
    ),
    "protocol": CauseWords(
        "We and the receiver did not understand each other",
        "not understood",
        "The receiver answered something that does not fit what was asked.",
        "Look at the conversation of the attempt.",
    ),
    "tls_required": CauseWords(
        "No safe connection could be made",
        "no safe connection",
        "Mail for this receiver goes over an encrypted connection only, and there was none.",
        "Wait: we try again by ourselves. If it lasts, the owner of that domain has to mend it.",
    ),
    "unknown": CauseWords(
        "Refused for a reason that we do not know",
        "refused",
        "The receiver's answer is one that we have no explanation for.",
        "Read the answer.",
    ),
}


def cause_words(cause: str | None) -> CauseWords:
    """The words for a cause; for one that is new, or for none, what can be said all the same."""
    if cause is None:
        return CAUSES["unknown"]
    known = CAUSES.get(cause)
    if known is not None:
        return known
    plain = cause.replace("_", " ")
    return CauseWords(plain.capitalize(), plain, CAUSES["unknown"].meaning, "Read the answer.")
