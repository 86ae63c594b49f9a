"""Header fields built from text that people typed: encoded (RFC 2047, RFC 2231), folded, and never more than one field.

Each `render_*` gives one complete field with its CRLF, ASCII except for addresses that themselves need SMTPUTF8,
lines of at most 78 octets wherever the text has places to fold, 998 always. Callers ask the `*_fault` functions
first: rendering promises nothing for a name or value in which they find a fault.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from chalicelib.domain.mail.encoded_words import has_harmful_word
from chalicelib.domain.mail.parameters import read_parameters

WANTED_LINE = 78
ENCODED_LINE = 76
LONGEST_LINE = 998
LONGEST_NAME = 76
LONGEST_VALUE = 8_192
LONGEST_WORD = 900
LONGEST_FILENAME = 255
LONGEST_CONTENT_TYPE = 255

_FTEXT = re.compile(r"[!-9;-~]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\x80-\x9f\u2028\u2029\ud800-\udfff]")
_LINE_BREAKING = re.compile(r"[\x00\r\n]")
_PIECE = re.compile(r"[ \t]*[^ \t]+")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
_ENCODED_WORDS = re.compile(r"(?:=\?[!->@-~]+\?[bBqQ]\?[!->@-~]*\?=[ \t]*)+")
_SAFE_IN_Q = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")
_WORD = r"[!#$%&'*+\-.^_`{|}~0-9A-Za-z]+"
_CONTENT_TYPE = re.compile(
    rf'{_WORD}/{_WORD}(?:[ \t]*;[ \t]*{_WORD}[ \t]*=[ \t]*(?:{_WORD}|"[ !#-\[\]-~]*"))*[ \t;]*'
)
_ATTRIBUTE_SAFE = frozenset(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$&+-.^_`|~"
)


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An address and the name shown with it (empty when there is none). An empty address is not shown at all."""

    display: str
    address: str

    @property
    def needs_smtputf8(self) -> bool:
        """True when the address cannot be written in ASCII (RFC 6532)."""
        return not self.address.isascii()


def name_fault(name: str) -> str | None:
    """Why a header name is not RFC 5322 ftext of sensible length, or None."""
    if _FTEXT.fullmatch(name) is None:
        return "a header name is printable ASCII without colon or space (RFC 5322 section 2.2)"
    if len(name) > LONGEST_NAME:
        return f"a header name has at most {LONGEST_NAME} characters"
    return None


def text_fault(text: str, longest: int = LONGEST_VALUE) -> str | None:
    """Why one line of text (subject, name, tag, address) must not go into a header, or None."""
    found = _CONTROL.search(text)
    if found is not None:
        what = "a line break or NUL" if _LINE_BREAKING.match(found[0]) else "a control character"
        if "\ud800" <= found[0] <= "\udfff":
            what = "what is not UTF-8"
        return f"contains {what} at character {found.start()}"
    if len(text) > longest:
        return f"has {len(text)} characters, at most {longest} are allowed"
    return None


def value_fault(value: str) -> str | None:
    """Why a custom header value cannot be sent, or None: as `text_fault`, and no word too long for a line."""
    if fault := text_fault(value):
        return fault
    if any(len(word) > LONGEST_WORD for word in value.split()):
        return f"has a word of more than {LONGEST_WORD} characters, which no line can hold"
    return None


def content_type_fault(value: str) -> str | None:
    """Why a content type with its parameters cannot be sent, or None."""
    if len(value) > LONGEST_CONTENT_TYPE:
        return f"has {len(value)} characters, at most {LONGEST_CONTENT_TYPE} are allowed"
    if _CONTENT_TYPE.fullmatch(value.strip()) is None:
        return "is not a content type such as text/plain or image/png (RFC 2045 section 5.1)"
    if has_harmful_word(value):
        return "holds an encoded word that cannot be sent"
    return None


def render_text(name: str, text: str) -> bytes:
    """An unstructured field (Subject and most others). ASCII text is kept word for word, encoded words in it too,
    unless they stand for control characters: then people are shown the encoded word itself."""
    text = text.strip(" \t")
    pieces = _PIECE.findall(text)
    short = all(len(piece) <= LONGEST_WORD for piece in pieces)
    if text.isascii() and short and not has_harmful_word(text):
        return _folded(name, pieces)
    return _folded(name, list(_encoded_pieces(pieces, _room_after(name))))


def render_mailboxes(name: str, mailboxes: Sequence[Mailbox]) -> bytes:
    """An address field. Names are quoted or encoded as needed, so that each mailbox stays exactly one mailbox."""
    pieces: list[str] = []
    for number, mailbox in enumerate(mailboxes):
        own = list(_mailbox_pieces(mailbox, _room_after(name) if number == 0 else ENCODED_LINE))
        if pieces:
            pieces[-1] += ","
            own[0] = " " + own[0].lstrip()
        pieces += own
    return _folded(name, pieces)


def render_parameters(name: str, value: str, parameters: Sequence[tuple[str, str]]) -> bytes:
    """A field with parameters such as Content-Disposition; RFC 2231 where a value is long or not ASCII."""
    pieces = [value]
    for attribute, text in parameters:
        for rendered in _parameter(attribute, text):
            pieces[-1] += ";"
            pieces.append(f" {rendered}")
    return _folded(name, pieces)


def render_content_type(value: str, filename: str) -> bytes:
    """The Content-Type of a file. A file name that Content-Disposition can only hold by RFC 2231 is added as `name` in
    encoded words, which RFC 2047 does not allow there, and which is all that Outlook and QQ read; unless the value has
    a `name` already."""
    value = value.strip(" \t;")
    if _is_plain("filename", filename) or "name" in read_parameters(value.encode())[1]:
        return render_text("Content-Type", value)
    first, *others = encoded_words(filename, WANTED_LINE - len(' name=""'))
    pieces = [*_PIECE.findall(f"{value};"), f' name="{first}', *(f" {word}" for word in others)]
    pieces[-1] += '"'
    return _folded("Content-Type", pieces)


def _folded(name: str, pieces: Sequence[str]) -> bytes:
    """`name: pieces`, with a line break before each piece that would not fit.

    Pieces after the first start with white space.
    """
    lines = [f"{name}:"]
    for number, piece in enumerate(pieces):
        text = f" {piece.lstrip()}" if number == 0 else piece
        fits = len(lines[-1].encode()) + len(text.encode()) <= WANTED_LINE
        if fits or (number == 0 and "=?" not in piece):
            lines[-1] += text
        else:
            lines.append(text)
    return "\r\n".join(lines).encode() + b"\r\n"


def _room_after(name: str) -> int:
    """Characters left on the first line for an encoded word; a whole line when that would be a splinter."""
    room = ENCODED_LINE - len(name) - 2
    return room if room >= ENCODED_LINE // 3 else ENCODED_LINE - 1


def _encoded_pieces(pieces: Sequence[str], room: int) -> Iterator[str]:
    """The pieces with those from the first to the last that needs it replaced by encoded words."""
    needing = [number for number, piece in enumerate(pieces) if _needs_encoding(piece)]
    first, last = needing[0], needing[-1]
    yield from pieces[:first]
    run = "".join(pieces[first : last + 1])
    for number, word in enumerate(encoded_words(run.lstrip(" \t"), room)):
        yield word if first == 0 and number == 0 else f" {word}"
    yield from pieces[last + 1 :]


def _needs_encoding(piece: str) -> bool:
    return not piece.isascii() or "=?" in piece or len(piece) > LONGEST_WORD


def encoded_words(text: str, first_room: int = ENCODED_LINE - 1) -> list[str]:
    """RFC 2047 encoded words of at most 75 characters, never splitting a character; Q or B, whichever is shorter."""
    in_q = sum(1 if byte in _SAFE_IN_Q or byte == 0x20 else 3 for byte in text.encode())
    letter = "Q" if in_q <= len(text.encode()) * 4 // 3 else "B"
    words, chunk, used = [], "", 0
    room = first_room - len("=?UTF-8?Q??=")
    for character in text:
        cost = _cost(character, letter)
        if chunk and not _fits(used + cost, room, letter):
            words.append(_word(chunk, letter))
            chunk, used, room = "", 0, ENCODED_LINE - 1 - len("=?UTF-8?Q??=")
        chunk += character
        used += cost
    return [*words, _word(chunk, letter)] if chunk else words


def _cost(character: str, letter: str) -> int:
    octets = character.encode()
    if letter == "B":
        return len(octets)
    return sum(1 if octet in _SAFE_IN_Q or octet == 0x20 else 3 for octet in octets)


def _fits(used: int, room: int, letter: str) -> bool:
    return (used + 2) // 3 * 4 <= room if letter == "B" else used <= room


def _word(chunk: str, letter: str) -> str:
    octets = chunk.encode()
    if letter == "B":
        return f"=?UTF-8?B?{base64.b64encode(octets).decode()}?="
    quoted = "".join(
        chr(octet) if octet in _SAFE_IN_Q else "_" if octet == 0x20 else f"={octet:02X}"
        for octet in octets
    )
    return f"=?UTF-8?Q?{quoted}?="


def _mailbox_pieces(mailbox: Mailbox, room: int) -> Iterator[str]:
    display, address = mailbox.display, _plain_address(mailbox.address)
    if not display:
        yield f" {address}"
        return
    if not display.isascii() or has_harmful_word(display):
        for word in encoded_words(display, room - 1):
            yield f" {word}"
    elif _ENCODED_WORDS.fullmatch(display) or (_ATOMS.fullmatch(display) and "=?" not in display):
        yield from (f" {piece.lstrip()}" for piece in _PIECE.findall(display))
    else:
        yield from _PIECE.findall(f' "{_escaped(display)}"')
    yield f" <{address}>"


def _plain_address(address: str) -> str:
    """The same address with no encoded word in its local part, which some programs would decode (RFC 5322 §3.2.4)."""
    if "=?" not in address:
        return address
    local, at, domain = address.rpartition("@")
    local = local.replace("=?", "=\\?")
    return f"{local}{at}{domain}" if local.startswith('"') else f'"{local}"{at}{domain}'


def _escaped(text: str) -> str:
    """What stands between the quotes of a quoted string."""
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _is_plain(attribute: str, text: str) -> bool:
    """True when a parameter can be a quoted string that means itself to everyone."""
    fits = len(attribute) + len(_escaped(text)) + 4 < WANTED_LINE
    return text.isascii() and fits and "=?" not in text


def _parameter(attribute: str, text: str) -> Iterator[str]:
    """One parameter as `a="b"`, or as RFC 2231 extended sections when it is long or not ASCII."""
    if _is_plain(attribute, text):
        yield f'{attribute}="{_escaped(text)}"'
        return
    sections: list[str] = []
    current = ""
    room = WANTED_LINE - len(attribute) - len("*00*=;  ")
    for octets in (character.encode() for character in text):
        coded = "".join(
            chr(octet) if octet in _ATTRIBUTE_SAFE else f"%{octet:02X}" for octet in octets
        )
        if len(current) + len(coded) > room - (len("UTF-8''") if not sections else 0):
            sections.append(current)
            current = ""
        current += coded
    sections.append(current)
    if len(sections) == 1:
        yield f"{attribute}*=UTF-8''{sections[0]}"
        return
    for number, section in enumerate(sections):
        prefix = "UTF-8''" if number == 0 else ""
        yield f"{attribute}*{number}*={prefix}{section}"
