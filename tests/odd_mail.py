"""Odd messages from app@acme.test, the same at every door: what is stored of them, or why they are refused."""

from __future__ import annotations

FROM = b"From: App <app@acme.test>\r\n"
HEADER = FROM + b"Subject: Odd\r\n"

# Given, stored.
MENDED: dict[str, tuple[bytes, bytes]] = {
    "an mbox line": (
        b"From app@acme.test Sat Jan  1 00:00:00 2022\r\n" + HEADER + b"\r\nHi\r\n",
        b"X-Mailbox-Line: From app@acme.test Sat Jan  1 00:00:00 2022\r\n" + HEADER + b"\r\nHi\r\n",
    ),
    "a quoted mbox line": (
        b">From app@acme.test Sat\r\n" + HEADER + b"\r\nHi\r\n",
        b"X-Mailbox-Line: >From app@acme.test Sat\r\n" + HEADER + b"\r\nHi\r\n",
    ),
    "no empty line before the body": (
        HEADER + b"Dear John,\r\nhow are you?\r\n\r\nMe\r\n",
        HEADER + b"\r\nDear John,\r\nhow are you?\r\n\r\nMe\r\n",
    ),
    "an 8-bit field name": (
        HEADER + b"T\xc3\xb6: x\r\n\r\nHi\r\n",
        HEADER + b"\r\nT\xc3\xb6: x\r\n\r\nHi\r\n",
    ),
    "a blank in a field name": (
        HEADER + b"X Y: x\r\n\r\nHi\r\n",
        HEADER + b"\r\nX Y: x\r\n\r\nHi\r\n",
    ),
    "empty Message-ID brackets": (HEADER + b"Message-ID: <>\r\n\r\nHi\r\n", HEADER + b"\r\nHi\r\n"),
    "Message-ID and Date without a value": (
        FROM + b"Message-ID:\r\nDate: \r\nSubject: Odd\r\n\r\nHi\r\n",
        HEADER + b"\r\nHi\r\n",
    ),
    "Message-IDs without a left side, and a Date of controls": (
        FROM
        + b"Message-ID: <@x>\r\nMessage-ID: <[x@y]>\r\nDate: \x01\r\nSubject: Odd\r\n\r\nHi\r\n",
        HEADER + b"\r\nHi\r\n",
    ),
    "comments and no Message-ID": (
        HEADER + b"Message-ID: (none (yet))\r\nMessage-ID:\r\n <>\r\n\r\nHi\r\n",
        HEADER + b"\r\nHi\r\n",
    ),
}

UNTOUCHED: dict[str, bytes] = {
    "blanks before the colon": b"From : app@acme.test\r\nSubject\t: x\r\n\r\nHi\r\n",
    "a fold of nothing but blanks": HEADER + b"X-A: 1\r\n \r\n 2\r\n\r\nHi\r\n",
    "two Message-IDs": HEADER + b"Message-ID: <1@x>\r\nMessage-ID: <2@x>\r\n\r\nHi\r\n",
    "a Message-ID without brackets": HEADER + b"Message-ID: 1@x\r\nDate: yesterday\r\n\r\nHi\r\n",
    "no body and no empty line": HEADER,
    "mbox lines and dots in the body": HEADER + b"\r\nFrom me\r\n>From you\r\n.\r\n..\r\nno end",
    "8-bit everywhere": FROM + b"Subject: \xe4\xf6\r\nX: \xff\r\n\r\n\x80\x81 \x01\x7f\r\n",
    "an encoded line break": HEADER + b"X-A: =?utf-8?q?=0D=0AX-Injected:_1?=\r\n\r\nHi\r\n",
    "encoded words of all kinds": HEADER
    + b"To: =?utf-8?q?a=1b=C2=85?= <a@x.example>, =?utf-16be?b?AGE=?= =?iso-2022-jp?B?GyRCRnw=?= <b@x.example>\r\n"
    + b"Cc: =?utf-8?q?=0A <c@x.example>\r\n\r\nHi\r\n",
    "a hundred hops": b"Received: by a.example; now\r\n" * 100 + HEADER + b"\r\nHi\r\n",
    "blanks at the end": HEADER + b"\r\nHi \t\r\n \r\n\r\n\r\n",
}

# Given, SMTP reply.
REFUSED: dict[str, tuple[bytes, str]] = {
    "a NUL in the body": (HEADER + b"\r\na\0b\r\n", "554 5.6.0"),
    "a NUL in the header": (HEADER + b"X: \0\r\n\r\nHi\r\n", "554 5.6.0"),
    "a NUL before a dot": (HEADER + b"\r\n\0.\r\nHi\r\n", "554 5.6.0"),
    "more than a hundred hops": (
        b"Received: by a.example; now\r\n" * 101 + HEADER + b"\r\nHi\r\n",
        "550 5.4.6",
    ),
    "a blank in front": (b" " + HEADER + b"\r\nHi\r\n", "554 5.6.0"),
    "an author behind a line that is no field": (
        b"Subject: Odd\r\nHello\r\n" + FROM + b"\r\nHi\r\n",
        "530 5.7.1",
    ),
    "no header at all": (b"Hello\r\n" + HEADER + b"\r\nHi\r\n", "530 5.7.1"),
} | {
    f"a line break hidden in {name}": (
        (b"" if name == "From" else HEADER)
        + name.encode()
        + b": "
        + word
        + b" <app@acme.test>\r\n\r\nHi\r\n",
        f"554 5.6.0 An encoded word in the {name} field hides a line break",
    )
    for name, word in (
        ("From", b"=?utf-8?q?=0D=0AX-Inj:_1?="),
        ("Sender", b"=?us-ascii?B?DQpYOiAx?="),
        ("Reply-To", b'"=?x-unknown*en?Q?a?b=0a?="'),
        ("To", b"=?utf-16be?b?AA==?=\r\n =?utf-16be?b?Cg==?="),
        ("Cc", b"=?utf-7?q?+AA0ACg-X:_1?="),
    )
}
