"""One bare address: whether it can stand in an SMTP envelope, how it is written there, and whose it is.

A mailbox is that of RFC 5321 section 4.1.2, with RFC 6531 for letters beyond ASCII, and as wide as the addresses that
people really have: full stops anywhere in a local part that is not quoted, underscores in labels of the domain. The
local part stays as it is, letter by letter; the domain is written in ASCII. What passes has one reading: no control
character, no blank or `@` outside quotes, no angle bracket anywhere, nothing whose compatibility form has `@`, a
bracket, a quote, a backslash, a comma, a colon or a semicolon, and no direction mark or other sign that Unicode calls
default ignorable. Three of those are let through where they have a use: the joiners between two signs beyond ASCII, and
U+FE0F behind an emoji. Not promised: that letters which look alike are told apart, or that a sign is assigned in the
Unicode of today. Whether a mailbox exists, nobody knows here. All functions are linear in their input.
"""

from __future__ import annotations

import re

from chalicelib.domain.domain_name import ascii_name

POSTMASTER = "postmaster"
"""The recipient that needs no domain (RFC 5321 section 4.5.1)."""
LONGEST_LOCAL_PART = 64
LONGEST_MAILBOX = 254  # RFC 5321 §4.5.3.1.3: a path of 256 octets less its angle brackets
LONGEST_IN_ENVELOPE = 255  # what an envelope may hold, mailbox or not

# The local part is atext and full stops, or quoted, and both with what is beyond ASCII. Angle brackets are left out of
# quotes too: no mailbox has them, and a careless server would end the path there.
_MAILBOX = re.compile(
    r'(?P<local>[^\x00-\x20"(),:;<>@\[\\\]\x7f]+|"(?:[^\x00-\x1f"<>\\\x7f]|\\[ -;=?-~])*")@(?P<domain>.+)',
    re.DOTALL,
)
# What a local part may not have although RFC 6531 adds what is beyond ASCII: controls, white space, surrogates, private
# and non-characters, the other full stops of UTS 46, and format characters other than the joiners. The long ranges of
# what may be there would take milliseconds to compile.
_UNUSABLE = re.compile(
    "[\u0080-\u00a0\u00ad\u0600-\u0605\u061c\u1680\u180e\u2000-\u200b\u200e\u200f\u2028-\u202f\u205f-\u206f\u3000"
    "\u3002\ud800-\uf8ff\ufdd0-\ufdef\ufeff\uff0e\uff61\ufff0-\ufffb\ufffe\uffff\U000e0000-\U0010ffff"
    + "".join(
        chr(plane + 0xFFFE) + chr(plane + 0xFFFF) for plane in range(0x1_0000, 0xE_0000, 0x1_0000)
    )
    + "]"
)
_LITERAL = re.compile(r"\[(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|(?i:IPv6):[0-9A-Fa-f:.]{2,45})\]")
_QUOTED_LOCAL = re.compile(r'"(?>[^"\\]+|\\.)*+"@', re.DOTALL)
_TELLING = frozenset('@<>()[]\\,;:"')
# Default ignorable code points of Unicode (DerivedCoreProperties.txt) that are not in `_UNUSABLE`; joiners and U+FE0F
# only where they change nothing that is seen. An emoji may be followed by U+FE0F before a joiner.
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0e\uffa0\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a]"
    r"|(?<![^\x00-\x7f\u200c\u200d])[\u200c\u200d]"
    r"|[\u200c\u200d](?![^\x00-\x7f\u200c\u200d\ufe0f])"
    r"|(?<![\u00a9\u00ae\u203c-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff])\ufe0f(?!\u20e3)"
)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
# What may stand in no address, mailbox or not.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_DIRECTION = re.compile(r"[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def envelope_address(text: str) -> str | None:
    """The address as it stands in envelopes and headers, its domain in ASCII; None for what is no mailbox.

    A domain that is ASCII already keeps its case. Lengths are those of RFC 5321, in octets of what is returned.
    """
    match = _MAILBOX.fullmatch(text) if len(text) <= LONGEST_MAILBOX else None
    if match is None:
        return None
    local, domain = match["local"], match["domain"]
    if not local.isascii() and (_UNUSABLE.search(local) or _has_disguise(local)):
        return None
    if not _LITERAL.fullmatch(domain):
        name = ascii_name(domain)
        if name is None:
            return None
        domain = domain if domain.isascii() else name
    octets = len(local.encode())
    if octets > LONGEST_LOCAL_PART or octets + 1 + len(domain) > LONGEST_MAILBOX:
        return None
    return f"{local}@{domain}"


def envelope_fault(text: str) -> str | None:
    """Why a text must not be stored as an address of an envelope, not even to fail there, or None."""
    if text.isascii() and text.isprintable() and len(text) <= LONGEST_IN_ENVELOPE:
        return None  # as nearly all are
    if found := _CONTROL.search(text):
        return f"contains a control character at character {found.start()}"
    if found := _DIRECTION.search(text):
        return f"contains a mark that turns the direction at character {found.start()}"
    octets = len(text.encode())
    if octets > LONGEST_IN_ENVELOPE:
        return f"has {octets} octets, at most {LONGEST_IN_ENVELOPE} are allowed"
    return None


def domain_of(address: str) -> str:
    """The domain of a bare address in lower-case ASCII, empty when there is none or when it is no domain.

    The split is at the first `@` after a possible quoted local part, so that `a@b@c` has no domain, and never `c`. The
    local part is not looked at: an author may have one that no envelope could hold.
    """
    quoted = _QUOTED_LOCAL.match(address)
    domain = address[quoted.end() :] if quoted else address.partition("@")[2]
    return domain.lower() if _LITERAL.fullmatch(domain) else ascii_name(domain) or ""


def local_part(address: str) -> str:
    """The local part without quotes; all of it where there is no domain."""
    local = address.rpartition("@")[0] or address
    return _ESCAPED.sub(r"\1", local[1:-1]) if local[:1] == '"' else local


def identity(address: str) -> str:
    """What addresses of one mailbox have in common: the domain in lower-case ASCII. The local part is kept letter by
    letter (RFC 5321 section 2.4), and so is a text that is no mailbox."""
    mailbox = envelope_address(address)
    if mailbox is None:
        return address
    local, at, domain = mailbox.rpartition("@")
    return f"{local}{at}{domain.lower()}"


def _has_disguise(local: str) -> bool:
    """True when there is a sign that nobody sees, or one whose compatibility form is a sign that addresses are taken
    apart at."""
    import unicodedata

    beyond = "".join(char for char in local if not char.isascii())
    telling = not _TELLING.isdisjoint(unicodedata.normalize("NFKC", beyond))
    return telling or _UNSEEN.search(local) is not None
