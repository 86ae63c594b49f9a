"""Links in HTML: the `href` of `a` and `area`, found on the bytes of the text.

Tags and attributes are taken apart as HTML's tokenizer does; comments (with Outlook's conditional ones), scripts,
styles and other raw text are stepped over. Where a tag, a quote, a comment or a raw text is never closed, what follows
is left alone. Linear in time; memory is for the links found. Nothing here knows elements, nesting or character sets: it
is right for every character set in which `<`, quotes and letters are single bytes that stand for themselves.
"""

from __future__ import annotations

import re
from html.entities import html5

from chalicelib.domain.tracking.links_url import LONGEST_URL, Occurrence, read_mark, read_url

# Written out, because `\s` takes characters that are no white space in HTML.
_SPACE = rb"[ \t\n\f\r]*+"
_BREAKS = rb"[ \t\n\f\r/]*+"
_TAG = rb"[A-Za-z][^ \t\n\f\r/>]*+"
_VALUE = rb"""(?:"[^"]*+"|'[^']*+'|[^ \t\n\f\r>"'][^ \t\n\f\r>]*+|(?=>))"""
_FIRST = rb"[^ \t\n\f\r/>][^ \t\n\f\r/>=]*+"
_ATTRIBUTE = rb"%s(?:%s=%s%s|(?!%s=))" % (_FIRST, _SPACE, _SPACE, _VALUE, _SPACE)
_NAMED_ATTRIBUTE = re.compile(
    rb"%s(?P<name>%s)(?:%s=%s(?P<value>%s)|(?!%s=))"
    % (_BREAKS, _FIRST, _SPACE, _SPACE, _VALUE, _SPACE)
)
_LINKING = (b"a", b"area")
_RAW = (b"script", b"style", b"textarea", b"title", b"xmp", b"iframe", b"noembed", b"noframes")
_OF_INTEREST = b"|".join((*_LINKING, *_RAW, b"plaintext", b"/body"))
# Text and tags without interest, many at once. Counts are bounded, because each turn of a group costs memory.
_REST = rb"(?:%s%s){0,40}%s>" % (_BREAKS, _ATTRIBUTE, _BREAKS)
_REST_OF_TAG = re.compile(_REST)
_SKIPPED = re.compile(
    rb"(?i)(?:[^<]++|<(?![A-Za-z/!?])|<(?!(?:%s)[ \t\n\f\r/>])/?%s%s){0,400}"
    % (_OF_INTEREST, _TAG, _REST)
)
_TAG_NAME = re.compile(rb"<(/?)(%s)" % _TAG)
_TAG_END = re.compile(_BREAKS + rb">")
_COMMENT_END = re.compile(rb"-->|(?<!<!)--!>")
_RAW_END = {name: re.compile(rb"(?i)</%s(?=[ \t\n\f\r/>])" % name) for name in _RAW}

_REFERENCE = re.compile(rb"&(?:#[xX]([0-9A-Fa-f]{1,6})|#([0-9]{1,7})|([A-Za-z][A-Za-z0-9]*+));?")
_LONGEST_VALUE = 4 * LONGEST_URL


class HtmlScan:
    """One pass over a text: `links` in order, and `body_end`, the offset of the last `</body`, -1 without one."""

    def __init__(self, text: bytes) -> None:
        self.links: list[Occurrence] = []
        self.body_end = -1
        self._text = text
        self._cdata_ends = True
        at = 0
        while 0 <= at < len(text):
            skipped = _SKIPPED.match(text, at)
            at = at if skipped is None else skipped.end()
            if text[at : at + 1] == b"<":
                at = self._construct(at)

    def _construct(self, at: int) -> int:
        """What begins with the `<` at this offset; the offset behind it, -1 when it never ends."""
        text = self._text
        tag = _TAG_NAME.match(text, at)
        if tag is not None:
            return self._tag(tag)
        if text.startswith(b"<!--", at):
            closed = _COMMENT_END.search(text, at + 2)
            return -1 if closed is None else closed.end()
        if text.startswith(b"<![CDATA[", at) and self._cdata_ends:
            end = text.find(b"]]>", at)
            self._cdata_ends = end >= 0
            if end >= 0:
                return end + 3
        if text.startswith((b"<!", b"<?", b"</"), at):
            return text.find(b">", at) + 1 or -1
        return at + 1

    def _tag(self, tag: re.Match[bytes]) -> int:
        name = tag[2].lower()
        end, href = self._attributes(tag.end())
        if end < 0:
            return -1
        if tag[1]:
            if name == b"body":
                self.body_end = tag.start()
        elif name in _LINKING and href is not None:
            self._link(href)
        elif name in _RAW_END:
            closed = _RAW_END[name].search(self._text, end)
            return -1 if closed is None else closed.start()
        elif name == b"plaintext":
            return -1
        return end

    def _attributes(self, at: int) -> tuple[int, re.Match[bytes] | None]:
        """The offset behind a tag's `>` (-1 without one), and its first `href`, which is the one that counts."""
        href = None
        while (found := _NAMED_ATTRIBUTE.match(self._text, at)) is not None:
            at = found.end()
            if href is None and found["name"].lower() == b"href":
                href = found
                rest = _REST_OF_TAG.match(self._text, at)
                if rest is not None:
                    return rest.end(), href
        closed = _TAG_END.match(self._text, at)
        return (-1 if closed is None else closed.end()), href

    def _link(self, href: re.Match[bytes]) -> None:
        start, end = href.span("value")
        if end - start > _LONGEST_VALUE or end == start:
            return
        if self._text[start] in b"\"'":
            start, end = start + 1, end - 1
        value = self._text[start:end]
        start += len(value) - len(value.lstrip(b" \t\n\f\r"))
        value = value.strip(b" \t\n\f\r")
        mark = read_mark(self._text, start)
        if mark is not None:
            self.links.append(mark)
            return
        url = read_url(_REFERENCE.sub(_referred, value) if b"&" in value else value)
        if url is not None:
            self.links.append(
                Occurrence(start, start + len(value), *url, break_at=href.start("name"))
            )


def _referred(reference: re.Match[bytes]) -> bytes:
    """A character reference as an attribute value has it; what is none stays. A character that is not ASCII becomes a
    byte that no address may hold."""
    digits = reference[1] or reference[2]
    if digits:
        code = int(digits, 16 if reference[1] else 10)
        return bytes([code]) if 0 < code < 128 else b"\xff"
    name = reference[3].decode("ascii")
    if reference[0].endswith(b";"):
        character = html5.get(f"{name};")
    elif reference.string[reference.end() : reference.end() + 1] == b"=":
        character = None
    else:
        character = html5.get(name)
    if character is None:
        return reference[0]
    return character.encode("ascii") if character.isascii() else b"\xff"
