"""The sender rewriting scheme: under which address mail of others is forwarded, so that SPF holds and what comes back
finds its way (http://www.libsrs2.org/srs/srs.pdf).

`SRS0={mark}={day}={domain}={local}` stands for `{local}@{domain}`; one that is such an address of another forwarder
becomes `SRS1={mark}={that forwarder}={what stood behind SRS0}`, which leads back to that forwarder, however many there
were. The mark is ours alone: a MAC of eight characters, for SRS1 the day, and the number of the server that forwarded.
An address is good on its day and the nine that follow, so that none is taken that is older than `DAYS`, in any case of
letters. Nothing here knows the time, and what is not ours, was changed, or is too old is simply no such address.
Linear, for any text.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass

from chalicelib.domain.digits import BASE32, decode, encode
from chalicelib.domain.durations import DAY
from chalicelib.domain.mail.mailbox import LONGEST_LOCAL_PART, envelope_address
from chalicelib.domain.numbering import ServerId

DAYS = 10

_MAC = 8
_DAY = 2
_CYCLE = 1024  # days that two digits tell apart
_SERVER = 5
# The first separator may be another than `=`, and belongs to what the first forwarder wrote.
_REWRITTEN = re.compile(
    r"srs(?:0(?P<tail>[=+-].+)|1[=+-][^=]+=(?P<host>[^=]+)=(?P<rest>[=+-].+))",
    re.I | re.A,
)
_OURS0 = re.compile(
    r"srs0=(?P<mark>[^=]+)=(?P<day>[^=]+)=(?P<host>[^=]+)=(?P<local>.+)", re.I | re.A
)
_OURS1 = re.compile(r"srs1=(?P<mark>[^=]+)=(?P<host>[^=]+)=(?P<rest>[=+-].+)", re.I | re.A)
_OURS = re.compile(r"srs[01]=", re.I | re.A)
_DOT_ATOM = re.compile(r'[^"\s(),:;<>@\[\\\]]+')


@dataclass(frozen=True, slots=True)
class Original:
    """Whom an SRS address of ours stands for, and which server forwarded the mail."""

    server_id: ServerId
    address: str


def is_srs(local: str) -> bool:
    """Whether a local part looks like one of ours; whether it is, `original` says."""
    return _OURS.match(local) is not None


def rewritten(mail_from: str, server: ServerId, domain: str, key: bytes, now: float) -> str | None:
    """The address at our `domain` that stands for a sender from `now` (epoch seconds) on. None when there is none: for
    what is no mailbox, has a quoted local part, or would take more than 64 octets."""
    mailbox = envelope_address(mail_from)
    local, _, host = (mailbox or "").rpartition("@")
    if not _DOT_ATOM.fullmatch(local):
        return None
    day = encode(_day(now), BASE32, _DAY)
    known = _REWRITTEN.fullmatch(local)
    if known is None:
        mark = _mac(key, "0", server, day, host, local) + _digits(server)
        found = f"SRS0={mark}={day}={host}={local}"
    else:
        first, rest = known["host"] or host, known["tail"] or known["rest"]
        mark = _mac(key, "1", server, day, first, rest) + day + _digits(server)
        found = f"SRS1={mark}={first}={rest}"
    return f"{found}@{domain}" if len(found.encode()) <= LONGEST_LOCAL_PART else None


def original(local: str, key: bytes, now: float) -> Original | None:
    """What the local part of an address of ours stands for; None when it is none, or too old."""
    if len(local.encode("utf-8", "surrogatepass")) > LONGEST_LOCAL_PART:
        return None
    if (ours := _OURS0.fullmatch(local)) is not None:
        mark, day, tail = ours["mark"].lower(), ours["day"].lower(), ours["local"]
        kind, server, address = "0", mark[_MAC:], f"{tail}@{ours['host']}"
    elif (ours := _OURS1.fullmatch(local)) is not None:
        mark, tail = ours["mark"].lower(), ours["rest"]
        kind, day, server = "1", mark[_MAC : _MAC + _DAY], mark[_MAC + _DAY :]
        address = f"SRS0{tail}@{ours['host']}"
    else:
        return None
    number, made = _number(server), decode(day, BASE32, _DAY)
    if number is None or made is None or (_day(now) - made) % _CYCLE >= DAYS:
        return None
    expected = _mac(key, kind, number, day, ours["host"], tail)
    if not hmac.compare_digest(mark[:_MAC].encode("utf-8", "replace"), expected.encode()):
        return None
    mailbox = envelope_address(address)
    return None if mailbox is None else Original(number, mailbox)


def _day(now: float) -> int:
    return int(now // DAY) % _CYCLE


def _mac(key: bytes, kind: str, server: ServerId, day: str, host: str, tail: str) -> str:
    """Over what relays leave as it is: everything but the case of ASCII letters. Others are another mailbox's."""
    text = f"srs{kind}:{server}:{day}:{host}:{tail}".encode("utf-8", "surrogatepass")
    digest = hmac.digest(key, text.lower(), "sha256")
    return encode(int.from_bytes(digest[:5], "big"), BASE32, _MAC)


def _digits(server: ServerId) -> str:
    return encode(server, BASE32, _SERVER).lstrip(BASE32[0]) or BASE32[0]


def _number(digits: str) -> ServerId | None:
    if not 1 <= len(digits) <= _SERVER:
        return None
    value = decode(digits.rjust(_SERVER, BASE32[0]), BASE32, _SERVER)
    return None if value is None or _digits(ServerId(value)) != digits else ServerId(value)
