"""What machines that fetch images and follow links say of themselves: data, a source each.

A word is looked for, without case, in what a client says it is. What is listed are words that no browser or mail
program of a person has; a machine that poses as a browser is not found here. `PREFETCHING` are header fields in which
browsers say that nobody asked for the page yet.
"""

from __future__ import annotations

from dataclasses import dataclass

_CRAWLERS = "https://github.com/monperrus/crawler-user-agents"
_DEVICE_DETECTOR = "https://github.com/matomo-org/device-detector/blob/master/regexes/bots.yml"
_BRAZE = "https://www.braze.com/docs/user_guide/analytics/reporting/bot_filtering"


@dataclass(frozen=True, slots=True)
class Machine:
    """A word, in lower case, that a machine's name for itself has; `what` it is, and who says so."""

    word: str
    what: str
    source: str


MACHINES = (
    Machine("googleimageproxy", "Gmail's images", "https://support.google.com/a/answer/3299041"),
    Machine("yahoomailproxy", "Yahoo's images", "https://help.yahoo.com/kb/SLN28749.html"),
    Machine("slack-imgproxy", "Slack's images", "https://api.slack.com/robots"),
    Machine("skypeuripreview", "previews of Skype and Teams", _CRAWLERS),
    Machine("bingpreview", "previews of Bing", _CRAWLERS),
    Machine(
        "google-safety", "abuse checks of Google", "https://developers.google.com/crawling/docs"
    ),
    Machine("googlemessages/", "previews of Google Messages", _BRAZE),
    Machine(
        "facebookexternalhit", "previews of Meta", "https://developers.facebook.com/docs/sharing"
    ),
    Machine("whatsapp", "previews of WhatsApp", _CRAWLERS),
    Machine("barracuda", "Barracuda's scanner", _BRAZE),
    Machine("mimecast", "Mimecast's scanner", _DEVICE_DETECTOR),
    Machine("proofpoint", "Proofpoint's scanner", _DEVICE_DETECTOR),
    Machine("ironport", "Cisco's scanner", _DEVICE_DETECTOR),
    Machine("symantec", "Symantec's scanner", _DEVICE_DETECTOR),
    Machine("sophos", "Sophos' scanner", _DEVICE_DETECTOR),
    Machine("fireeye", "Trellix' scanner", _DEVICE_DETECTOR),
    Machine("trendmicro", "Trend Micro's scanner", _DEVICE_DETECTOR),
    Machine("trend micro", "Trend Micro's scanner", _DEVICE_DETECTOR),
    Machine("forcepoint", "Forcepoint's scanner", _DEVICE_DETECTOR),
    Machine("zscaler", "Zscaler's scanner", _DEVICE_DETECTOR),
    Machine("headlesschrome", "a browser without a window", _CRAWLERS),
    Machine("phantomjs", "a browser without a window", _CRAWLERS),
    Machine("python-requests", "a library", _CRAWLERS),
    Machine("python-urllib", "a library", _CRAWLERS),
    Machine("python-httpx", "a library", _CRAWLERS),
    Machine("aiohttp", "a library", _CRAWLERS),
    Machine("go-http-client", "a library", _CRAWLERS),
    Machine("okhttp", "a library", _CRAWLERS),
    Machine("axios/", "a library", _CRAWLERS),
    Machine("node-fetch", "a library", _CRAWLERS),
    Machine("libwww-perl", "a library", _CRAWLERS),
    Machine("curl/", "a program", _CRAWLERS),
    Machine("wget/", "a program", _CRAWLERS),
    Machine("bot/", "a name of crawlers", _CRAWLERS),
    Machine("bot;", "a name of crawlers", _CRAWLERS),
    Machine("bot)", "a name of crawlers", _CRAWLERS),
    Machine("crawler", "a name of crawlers", _CRAWLERS),
    Machine("spider", "a name of crawlers", _CRAWLERS),
    Machine("scanner", "a name of crawlers", _CRAWLERS),
)
NAMELESS = frozenset({"", "mozilla/5.0"})
"""What says nothing; the latter is Apple's mail privacy protection.
https://www.litmus.com/blog/apple-mail-privacy-protection-for-marketers"""


@dataclass(frozen=True, slots=True)
class Announcement:
    """A header field, in lower case, with the words that say that nobody asked yet, and who says so."""

    field: str
    words: tuple[str, ...]
    source: str


PREFETCHING = (
    Announcement("sec-purpose", ("prefetch", "prerender"), "https://fetch.spec.whatwg.org/#sec-purpose-header"),
    Announcement("purpose", ("prefetch", "prerender", "preview"), "https://crbug.com/1358419"),
    Announcement("x-purpose", ("prefetch", "preview"), "https://developer.apple.com/library/archive/documentation/Tools/Conceptual/SafariExtensionGuide"),
    Announcement("x-moz", ("prefetch",), "https://developer.mozilla.org/docs/Web/HTTP/Headers/Sec-Purpose"),
)  # fmt: skip
