"""Where mail for a domain goes: the order of its hosts, and what it means when there are none (RFC
5321 §5.1).

Takes what DNS answered and says which hosts to try, in which order, or that trying is useless. A
missing domain is proven missing only by repetition: the first `PATIENT_TRIES` attempts treat it as
temporary. No look-ups, no randomness of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from ipaddress import ip_address

from chalicelib.domain.envelope import Envelope
from chalicelib.domain.errors import PermanentFailure, TemporaryFailure
from chalicelib.domain.mail.mailbox import domain_of, envelope_address
from chalicelib.domain.reply import Reply

PATIENT_TRIES = 3
MOST_HOSTS = 10

NO_MAILBOX = Reply(553, "5.1.3", "The recipient's address is malformed")
NULL_MX = Reply(556, "5.1.10", "Recipient address has null MX")
NO_DOMAIN = Reply(550, "5.1.2", "The recipient's domain does not exist")
NO_PUBLIC_HOST = Reply(550, "5.4.4", "The recipient's domain has no public mail server")


def destination_of(envelope: Envelope) -> tuple[Envelope, str]:
    """The envelope with its domains in ASCII, as it goes on the wire, and the recipient's domain in lower case.
    PermanentFailure for a recipient that is no mailbox: nobody is asked where that might be."""
    rcpt_to = envelope_address(envelope.rcpt_to)
    if rcpt_to is None:
        raise PermanentFailure("The recipient's address is malformed.", reply=NO_MAILBOX)
    mail_from = envelope_address(envelope.mail_from) or envelope.mail_from
    if (mail_from, rcpt_to) != (envelope.mail_from, envelope.rcpt_to):
        envelope = replace(envelope, mail_from=mail_from, rcpt_to=rcpt_to)
    return envelope, domain_of(rcpt_to)


def literal_address(domain: str) -> str | None:
    """The address in a domain literal, `[192.0.2.1]` or `[IPv6:2001:db8::1]` (RFC 5321 §4.1.3);
    None for a name.  A literal that holds no such address raises PermanentFailure."""
    if not domain.startswith("["):
        return None
    inner = domain[1:-1] if domain.endswith("]") else ""
    tagged = inner[:5].lower() == "ipv6:"
    try:
        address = ip_address(inner[5:] if tagged else inner)
    except ValueError:
        address = None
    if address is None or tagged != (address.version == 6) or "%" in inner:
        raise PermanentFailure(
            "The recipient's address literal cannot be read.",
            reply=Reply(550, "5.1.3", "Bad destination address literal"),
        )
    return str(address)


def hosts_in_order(
    domain: str, records: Sequence[tuple[int, str]], draws: Iterator[float]
) -> tuple[str, ...]:
    """Hosts to try: by preference, in drawn order within one preference; the domain itself when
    there is no MX.  `draws` yields a float for each record. At most ten hosts. A null MX (RFC 7505)
    raises PermanentFailure."""
    if not records:
        return (domain,)
    named = [(preference, host) for preference, host in records if host]
    if not named:
        raise PermanentFailure("The recipient's domain accepts no mail.", reply=NULL_MX)
    drawn = sorted((preference, next(draws), host) for preference, host in named)
    return tuple(dict.fromkeys(host for _, _, host in drawn))[:MOST_HOSTS]


def missing_domain(tries: int) -> TemporaryFailure | PermanentFailure:
    """The error for a domain that DNS says does not exist, after `tries` failed attempts."""
    if tries < PATIENT_TRIES:
        return TemporaryFailure(
            "The recipient's domain does not exist (yet).",
            reply=Reply(450, "4.1.2", NO_DOMAIN.text),
        )
    return PermanentFailure("The recipient's domain does not exist.", reply=NO_DOMAIN)


def only_private_hosts(tries: int) -> TemporaryFailure | PermanentFailure:
    """The error for a domain whose hosts all have addresses that no mail may go to, after `tries`
    failed attempts."""
    if tries < PATIENT_TRIES:
        return TemporaryFailure(
            "The recipient's domain has no public mail server.",
            reply=Reply(450, "4.4.4", NO_PUBLIC_HOST.text),
        )
    return PermanentFailure(
        "The recipient's domain has no public mail server.", reply=NO_PUBLIC_HOST
    )
