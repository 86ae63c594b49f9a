"""Who receives mail for a domain, by the name of the host that its MX prefers, as statistics name it.

A provider of the table has a name of its own. Any other host is named by the domain that was registered for it: the
last two labels, or the last three where a country's registry gives out names under words such as `co` and `com`. This
is a rule of thumb and no list of public suffixes; what it gets wrong gives a group too wide or too narrow.
"""

from __future__ import annotations

# Ends of host names, each with where it was read. No end is part of another one's.
_TABLE = """
google      | google.com               | https://support.google.com/a/answer/174125
google      | googlemail.com           | https://support.google.com/a/answer/174125
google      | psmtp.com                | MX of domains that came to Google with Postini
microsoft   | protection.outlook.com   | https://learn.microsoft.com/microsoft-365/enterprise/external-domain-name-system-records
microsoft   | mx.microsoft             | https://learn.microsoft.com/purview/how-smtp-dane-works
yahoo       | yahoodns.net             | MX of yahoo.com, and of aol.com, which is Yahoo's
apple       | mail.icloud.com          | https://support.apple.com/102374
zoho        | zoho.com                 | https://www.zoho.com/mail/help/adminconsole/configure-email-delivery.html
zoho        | zoho.eu                  | https://www.zoho.com/mail/help/adminconsole/configure-email-delivery.html
zoho        | zoho.in                  | https://www.zoho.com/mail/help/adminconsole/configure-email-delivery.html
fastmail    | messagingengine.com      | https://www.fastmail.help/hc/en-us/articles/1500000280261
proton      | protonmail.ch            | https://proton.me/support/custom-domain
yandex      | mx.yandex.net            | https://yandex.com/support/yandex-360/business/admin/en/domains/mx
yandex      | mx.yandex.ru             | MX of yandex.ru
gmx         | gmx.net                  | MX of gmx.net and gmx.com
gmx         | web.de                   | MX of web.de, of the same house
ionos       | kundenserver.de          | https://www.ionos.com/help/domains/mail-settings
amazon      | amazonaws.com            | https://docs.aws.amazon.com/ses/latest/dg/receiving-email-mx-record.html
cloudflare  | mx.cloudflare.net        | https://developers.cloudflare.com/email-routing
proofpoint  | pphosted.com             | MX of domains behind Proofpoint
proofpoint  | ppe-hosted.com           | MX of domains behind Proofpoint Essentials
mimecast    | mimecast.com             | MX of domains behind Mimecast
cisco       | iphmx.com                | MX of domains behind Cisco Secure Email
barracuda   | barracudanetworks.com    | MX of domains behind Barracuda
"""
_KNOWN = {
    end.strip(): name.strip()
    for name, end, _ in (row.split(" | ") for row in _TABLE.strip().split("\n"))
}
NAMES = tuple(dict.fromkeys(_KNOWN.values()))
# Under which registries of countries give out names, as their own pages and many registered names show.
_REGISTRY_WORDS = frozenset(
    "ac asso co com edu ed firm gen go gob gouv gov govt gv id ind info int lg ltd me mil ne net nhs nic nom or org plc"
    " police res sch tm web".split()
)
_COUNTRY = 2  # letters
LONGEST = 100
_LONGEST_END = max(end.count(".") + 1 for end in _KNOWN)


def provider_of(host: str) -> str | None:
    """The provider behind an MX host; None for none, and for an address."""
    labels = host.strip(".").lower().split(".")
    if len(labels) < 2 or ":" in host or labels[-1].isdecimal() or host.startswith("["):
        return None
    for count in range(_LONGEST_END, 1, -1):
        if name := _KNOWN.get(".".join(labels[-count:])):
            return name
    return _registered(labels)[-LONGEST:]


def _registered(labels: list[str]) -> str:
    """The last labels that somebody has registered."""
    under = len(labels) > 2 and len(labels[-1]) == _COUNTRY and labels[-2] in _REGISTRY_WORDS
    return ".".join(labels[-3 if under else -2 :])
