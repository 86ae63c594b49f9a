"""Who may speak of a recipient: mail systems of the same organization, and those that send complaints for others.

Two names are of one organization if they share the name that was registered: the last two labels, or three below what
countries and large hosts give out to anybody. Not promised: that every name of that kind is listed here.
"""

from __future__ import annotations

# Second-level names under which countries register third-level ones (publicsuffix.org, section ICANN).
_SHARED_BELOW_COUNTRIES = frozenset(
    "ac asn co com conf edu firm gen go gob gouv gov gv id ind info jus lg ltd me mil ne net nhs nom nome or org plc"
    " police pp priv pro sch tm web wf".split()
)
# Hosts that give names away or sell them (publicsuffix.org, section PRIVATE).
_SHARED = frozenset(
    "eu.org uk.com us.com de.com br.com eu.com gb.com gr.com jpn.com ru.com sa.com se.com za.com cn.com hu.com no.com"
    " qc.com uk.net se.net gb.net in.net jp.net hu.net us.org ae.org duckdns.org dyndns.org no-ip.org ddns.net"
    " hopto.org zapto.org sytes.net blogspot.com github.io gitlab.io herokuapp.com amazonaws.com azurewebsites.net"
    " cloudapp.net onmicrosoft.com netlify.app vercel.app web.app pages.dev workers.dev fly.dev appspot.com"
    " wordpress.com".split()
)
# Domains that complaints come from for the mailboxes of others, and where their operator says so.
FEEDBACK_SENDERS = {
    "arf.mail.yahoo.com": "https://senders.yahooinc.com/complaint-feedback-loop/",
    "yahoo.com": "https://senders.yahooinc.com/complaint-feedback-loop/",
    "hotmail.com": "https://sendersupport.olc.protection.outlook.com/snds/JMRP.aspx",
    "outlook.com": "https://sendersupport.olc.protection.outlook.com/snds/JMRP.aspx",
    "comcast.net": "https://postmaster.comcast.net/feedback-loop.html",
    "senderscore.net": "https://fbl.validity.com/",
    "validity.com": "https://fbl.validity.com/",
    "feedback.postmaster.mail.ru": "https://postmaster.mail.ru/",
    "fastmail.com": "https://fbl.validity.com/",
    "bluetie.com": "https://fbl.validity.com/",
}


def registered_name(domain: str) -> str:
    """The name that its organization registered; the domain itself when it is shorter."""
    labels = domain.lower().rstrip(".").split(".")
    below_country = len(labels[-1]) == 2 and labels[-2:-1] and labels[-2] in _SHARED_BELOW_COUNTRIES
    count = 3 if below_country or ".".join(labels[-2:]) in _SHARED else 2
    return ".".join(labels[-count:])


def is_one_organization(one: str, other: str) -> bool:
    """Whether two domains have the same registered name."""
    return bool(one and other) and registered_name(one) == registered_name(other)
