"""Which parts of a message may have their links replaced.

The body that people read, in plain text and HTML: a message of one part, the parts directly in the outermost multipart,
and those of alternatives and related sets inside (contract section 7). Never attachments, forwarded messages, anything
signed or encrypted, nor text in a character set whose bytes are not ASCII where they look like it. Text above 2 MiB in
all is left alone, so that the work on a message is bounded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from chalicelib.domain.mail.encoded_words import plain_charset
from chalicelib.domain.mail.headers import Headers
from chalicelib.domain.mail.mime import Container, Part, read_parts

MOST_TEXT = 2 << 20

_TEXTS = ("text/plain", "text/html")
_OUTERMOST = ("multipart/mixed", "multipart/alternative", "multipart/related")
_INNER = ("multipart/alternative", "multipart/related")
# In these, `<`, `&`, quotes, digits and the start of an address are ASCII bytes and nothing else.
_CHARSET = re.compile(
    r"|(us)?ascii|ansix341968|(unicode11)?utf8|iso8859\d{1,2}[ie]?|latin\d{1,2}|windows(125\d|874|31j)|x?sjis|shiftjis"
    r"|cp(437|8[56]\d|874|9\d\d|125\d)|koi8(r|u|ru|t)|tis620|mac(intosh|roman)|gb2312|gbk|gb18030|big5(tw|hkscs)?"
    r"|euc(jp|kr|tw|cn)|ksc5601(1987)?"
)


def treated_parts(content: bytes, headers: Headers) -> Iterator[Part]:
    """The parts in order."""
    room = MOST_TEXT
    for part in read_parts(content, headers):
        if _is_body(part) and _is_plainly_coded(part):
            room -= part.end - part.start
            if room < 0:
                return
            yield part


def alternative_of(part: Part) -> Container | None:
    """The outermost set of alternatives that a part is in: of those parts, people see one."""
    return next(
        (each for each in part.within if each.content_type == "multipart/alternative"), None
    )


def is_utf8(part: Part) -> bool:
    """Whether the part says that it is UTF-8."""
    return _charset(part).endswith("utf8")


def _is_body(part: Part) -> bool:
    if part.content_type not in _TEXTS or part.disposition == "attachment" or part.filename:
        return False
    if part.params.get("delsp", "").lower() == "yes":  # RFC 3676: a line end may be inside a word
        return False
    return all(
        each.content_type in (_INNER if depth else _OUTERMOST)
        for depth, each in enumerate(part.within)
    )


def _is_plainly_coded(part: Part) -> bool:
    return _CHARSET.fullmatch(_charset(part)) is not None


def _charset(part: Part) -> str:
    # RFC 2231 and careless senders: `charset="utf-8 "`, `charset=UTF-8;`.
    return plain_charset(part.params.get("charset", ""))
