"""What each event is, in words of people: for the form of a webhook, its deliveries, and wherever one is named."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

EVENTS: Mapping[str, str] = MappingProxyType(
    {
        "email.received": "An incoming message was stored",
        "email.scheduled": "A message was accepted for later",
        "email.delivered": "The receiver's server took a message",
        "email.delayed": "An attempt failed, another comes",
        "email.failed": "A message failed for good",
        "email.held": "A message is held",
        "email.released": "A held message goes on",
        "email.cancelled": "A message was cancelled",
        "email.bounced": "A message came back",
        "email.complained": "A recipient called it spam",
        "email.opened": "A message was opened",
        "email.clicked": "A link was clicked",
        "email.unsubscribed": "A recipient unsubscribed",
        "suppression.added": "An address was suppressed",
        "suppression.removed": "An address may be written to again",
        "domain.dns_failed": "Records of a domain are wrong",
        "domain.dns_recovered": "Records of a domain are right again",
        "server.limit_approaching": "A send limit is nearly used",
        "server.limit_exceeded": "A send limit is used up",
        "server.rate_exceeded": "A complaint or bounce rate holds new mail",
        "server.rate_recovered": "A complaint or bounce rate holds mail no longer",
        "webhook.test": "A test that somebody asked for",
    }
)

# What stands in the code of an attempt that got no answer.
NO_ANSWER: Mapping[int, str] = MappingProxyType(
    {-1: "no answer in time", -2: "no connection", -3: "TLS failed", -4: "a blocked destination"}
)


def answer_words(code: int) -> str:
    """`answered 503`, `no answer in time`."""
    return NO_ANSWER.get(code) or f"answered {code}"
