"""What the texts of settings must be like: the forms of names, addresses and lists, the bounds of numbers.

Says nothing of what they mean; that is `chalicelib.config`'s.
"""

from __future__ import annotations

import re

# Fields that are names in the DNS; they are shown, put into headers, and handed to shells.
HOSTNAMES = frozenset(
    {
        "web_hostname",
        "smtp_hostname",
        "return_path_domain",
        "route_domain",
        "spf_include",
        "track_domain",
    }
)
_HOSTNAME = re.compile(r"(?=.{1,253}\Z)[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*\Z")
_HOST_LIST = re.compile(
    r" *{0}(?: *, *{0})* *\Z".format(r"[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*")
)
_DESTINATION = (
    r"(?:[0-9.]+/[0-9]{1,2}|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(?:/[0-9]{1,3})?|[A-Za-z0-9_.-]{1,253})"
)
_DESTINATIONS = re.compile(rf" *{_DESTINATION}(?: *, *{_DESTINATION})* *\Z")
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@" + _HOSTNAME.pattern)
_SERVER = re.compile(r"[a-z0-9-]{1,64}/[a-z0-9-]{1,64}\Z")
_HOST_AND_PORT = re.compile(r"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]):[0-9]{1,5}\Z")
_URL = re.compile(r"https?://[A-Za-z0-9._:\[\]-]{1,260}(?:/[A-Za-z0-9._~/-]{0,200})?\Z")
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_ANSWER = rf"127(?:\.{_OCTET}){{3}}"
_BLOCK_LIST = (
    rf"[A-Za-z0-9_-]{{1,63}}(?:\.[A-Za-z0-9_-]{{1,63}})*(?: *= *{_ANSWER}(?: *; *{_ANSWER})*)?"
)
_BLOCK_LISTS = re.compile(rf" *{_BLOCK_LIST}(?: *, *{_BLOCK_LIST})* *\Z")
_PERCENT = re.compile(r"(?=[0-9.]*[1-9])(?:100(?:\.0{1,2})?|[0-9]{1,2}(?:\.[0-9]{1,2})?)\Z")
_OWN_LIST = rf"(?:rhs:)?{_BLOCK_LIST}"
_OWN_LISTS = re.compile(rf" *{_OWN_LIST}(?: *, *{_OWN_LIST})* *\Z")
_WEB_URL = re.compile(r"https?://[A-Za-z0-9._:\[\]-]{1,260}/?\Z")

# What the text of a field must be like, and how that is said.
FORMS = {
    **dict.fromkeys(HOSTNAMES, (_HOSTNAME, "a host name")),
    "web_url": (_URL, "such as https://mail.example.com"),
    "view_url": (_WEB_URL, "such as https://view.mail.example.com"),
    "unsubscribe_url": (_URL, "such as https://mail.example.com"),
    "mx_hosts": (_HOST_LIST, "host names apart by commas"),
    "allowed_destinations": (_DESTINATIONS, "networks and host names apart by commas"),
    "system_server": (_SERVER, "such as acme/mail"),
    "system_from": (_ADDRESS, "an address"),
    "postmaster": (_ADDRESS, "an address"),
    "spamd": (_HOST_AND_PORT, "such as scanner.example:783"),
    "clamd": (_HOST_AND_PORT, "such as scanner.example:3310"),
    "rspamd": (_URL, "such as http://scanner.example:11333"),
    "complaint_rate_limit": (
        _PERCENT,
        "percent, 0.01 to 100 with at most two decimals, such as 0.3",
    ),
    "bounce_rate_limit": (_PERCENT, "percent, 0.01 to 100 with at most two decimals, such as 5"),
    "log_level": (re.compile(r"(?:debug|info|warning|error)\Z"), "debug, info, warning or error"),
    "scan_failure": (re.compile(r"(?:open|closed)\Z"), "open or closed"),
    "reverse_names": (re.compile(r"(?:require|ignore)\Z"), "require or ignore"),
    "dnsbls": (
        _BLOCK_LISTS,
        "zones apart by commas, such as zen.example.org or zen.example.org=127.0.0.2;127.0.0.3",
    ),
    "own_dnsbls": (
        _OWN_LISTS,
        "zones apart by commas, such as bl.example.org, bl.example.org=127.0.0.2 or rhs:names.example.org",
    ),
    "suspend_listed": (_HOST_LIST, "1, or zones of POSTHORN_OWN_DNSBLS apart by commas"),
}
WHOLE = re.compile(r"-?[0-9]{1,18}\Z")
_DAYS = (1, 3_650)
TIME = (1, 3_600)
# The least and the most that a number may be. Times that are not here are bounded by TIME.
BOUNDS = {
    "greylist_seconds": (0, 86_400),
    "mx_rate": (0, 1_000_000),
    "tracking_days": _DAYS,
    "hold_days": _DAYS,
    "suppression_days": _DAYS,
    "webhook_days": _DAYS,
    "max_message_size": (1_024, 1024 * 1024 * 1024),
    "max_recipients": (1, 100_000),
    "max_attempts": (1, 1_000),
    "bounces_per_hour": (1, 1_000_000),
    "rate_limit_count": (1, 1_000_000_000),
    "delivery_port": (1, 65_535),
    "scan_seconds": (0, 30),  # what a worker's lease leaves beside delivering and settling
    "scan_max_size": (1, 1024 * 1024 * 1024),
    "bytes_in_hand": (1, 10 * 1024 * 1024 * 1024),  # the most memory that Lambda gives
    "lease_seconds": (1, 900),  # the longest that Lambda runs a function
    "visibility_seconds": (1, 43_200),  # the longest that SQS hides a message
}
