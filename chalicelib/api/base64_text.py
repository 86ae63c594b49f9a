"""Base64 that clients put into JSON: read whole or refused, never altered.

White space may stand anywhere, because MIME encoders break lines. Everything else that is not RFC 4648 section 4 is
refused: foreign characters, the URL alphabet, missing, wrong or early padding. Reading mail, where damage must still
give some text, is `chalicelib.domain.mail.encoded_words`.
"""

from __future__ import annotations

import binascii

NOT_BASE64 = "is not base64 (RFC 4648 section 4)"
_WHITE_SPACE = b" \t\r\n\v\f"
_DATA_URL, _DATA_URL_MARK = "data:", ";base64"


def read_base64(text: str) -> bytes:
    """The bytes of a text. ValueError when it is not base64."""
    octets = text.encode("ascii").translate(None, _WHITE_SPACE)
    if len(octets) % 4 or octets.endswith(b"==="):  # strict mode lets padding too many pass
        raise ValueError(NOT_BASE64)
    return binascii.a2b_base64(octets, strict_mode=True)


def without_data_url(text: str) -> str:
    """What stands behind `data:…;base64,` (RFC 2397), which browsers' file readers put in front; else the text."""
    head, comma, rest = text.partition(",")
    head = head.strip().lower() if comma else ""
    is_url = head.startswith(_DATA_URL) and head.endswith(_DATA_URL_MARK)
    return rest if is_url else text
