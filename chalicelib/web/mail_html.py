"""HTML of mail, which is hostile: the links in it as text, and the images that came along put in place of `cid:`.

Pure and linear in what it reads, which is bounded. Nothing here makes HTML safe: it is shown at another host alone,
where no script runs and nothing is fetched (`view_answer`).
"""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

LARGEST = 1_048_576  # characters that are looked at
MOST_LINKS = 200
LONGEST_TEXT = 200
LONGEST_TARGET = 2_000
MOST_IMAGES = 3_000_000  # bytes of images in one page
_TAG = re.compile(r"<(/?)([a-zA-Z][^\s/>]{0,40}+)((?:[^\"'>]|\"[^\"]*+\"|'[^']*+')*+)>?")
_ATTRIBUTE = re.compile(
    r"(?<![^\s\"'/>])([^\s\"'>/=]++)\s*+=\s*+(\"[^\"]*+\"|'[^']*+'|[^\s>\"']++)"
)
_CID = re.compile(r"(?<=[\"'=(\s])cid:([^\"'\s)<>]{1,300}+)", re.IGNORECASE)
_HOST = re.compile(r"(?<![\w.@-])((?:[a-z0-9-]{1,63}\.){1,8}[a-z]{2,24})(?![\w-])", re.IGNORECASE)
# A tag begins with these letters and nothing between them, whatever else stands around.
_TO_ELSEWHERE = re.compile(
    r"<(?=i?frame|fencedframe|portal|object|embed|applet|link)", re.IGNORECASE
)
_PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp"})


@dataclass(frozen=True, slots=True)
class Link:
    """A link as a reader sees it, where it leads, and whether its text names another host than that."""

    text: str
    target: str
    is_mismatch: bool

    @property
    def host(self) -> str:
        """The host of the target, empty when it has none."""
        return _host(self.target)


def links_of(source: str) -> list[Link]:
    """The links of HTML in their order, at most MOST_LINKS."""
    found: list[Link] = []
    source = source[:LARGEST]
    target, begins = "", 0
    for tag in _TAG.finditer(source):
        name = tag[2].lower()
        if target and name == "a":
            found.append(_link(source[begins : tag.start()], target))
            target = ""
        if len(found) >= MOST_LINKS:
            return found
        if not tag[1] and name in ("a", "area") and (leads := _attribute(tag[3], "href")):
            if name == "area":
                found.append(_link("", leads))
            else:
                target, begins = leads, tag.end()
    if target:
        found.append(_link(source[begins:], target))
    return found


def _link(inner: str, target: str) -> Link:
    words = html.unescape(_TAG.sub(" ", inner[: 50 * LONGEST_TEXT]))
    text = " ".join(words.split())[:LONGEST_TEXT]
    return Link(text, target, _is_mismatch(text, target))


def _attribute(attributes: str, wanted: str) -> str:
    for name, value in _ATTRIBUTE.findall(attributes[: 4 * LONGEST_TARGET]):
        if name.lower() == wanted:
            # Browsers leave out tabs and line ends of an address.
            plain = re.sub(r"[\t\r\n]", "", html.unescape(value.strip("\"'")))
            return plain.strip()[:LONGEST_TARGET]
    return ""


def _is_mismatch(text: str, target: str) -> bool:
    host = _host(target)
    shown = _HOST.search(text)
    if shown is None or not host:
        return False
    named = shown[1].lower().removeprefix("www.")
    leads = host.removeprefix("www.")
    return not (leads == named or leads.endswith(f".{named}") or named.endswith(f".{leads}"))


def _host(target: str) -> str:
    try:
        return (urlsplit(target).hostname or "").lower()
    except ValueError:
        return ""


def unconnected(source: str) -> str:
    """The HTML with other names for elements for which browsers look a host up, or connect to it, before the policy of
    the page says that they may not: who only looked would be told of."""
    return _TO_ELSEWHERE.sub("<x-", source)


def with_images(source: str, image: Callable[[str], tuple[str, bytes] | None]) -> str:
    """The HTML with each `cid:` that names a picture as its bytes, `unconnected`. `image` gives type and bytes of a
    Content-ID."""
    left = MOST_IMAGES
    made: dict[str, str] = {}

    def placed(found: re.Match[str]) -> str:
        nonlocal left
        name = unquote(html.unescape(found[1]))
        if name not in made:
            part = image(name)
            is_shown = part is not None and part[0] in _PICTURES and len(part[1]) <= left
            if part is None or not is_shown:
                made[name] = found[0]
            else:
                data = base64.b64encode(part[1]).decode()
                made[name] = f"data:{part[0]};base64,{data}"
        left -= len(made[name])
        return made[name] if left >= 0 else found[0]

    return _CID.sub(placed, unconnected(source))
