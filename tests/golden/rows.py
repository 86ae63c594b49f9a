"""Every difference from Postal that stands, a row each, with the sentence of the documentation that says why."""

from __future__ import annotations

from tests.golden.comparison import ABSENT, ANYTHING, Row
from tests.golden.recordings import tracked_message

V1, SENDING, TRACKING = "docs/api-v1.md", "docs/sending.md", "docs/tracking.md"

_SUBMITTED = tracked_message().submitted
_CLICKED = "kind: a message that was opened and clicked"

_MASKED = "**A wrong key is not repeated.**"
_ENVELOPE = "**Every answer is JSON.**"
_ACCEPTED = "**A message is shown as it was accepted.**"
_NO_OPEN = "a request that is refused is no open"
_ONE_READ_LESS = "this costs nobody a read"

API: tuple[Row, ...] = (
    Row("*: unknown key", "answer.data.token", "str:nope", "str:…", V1, _MASKED),
    Row("*: an SMTP key", "answer.data.token", ANYTHING, "str:dZBP…", V1, _MASKED),
    Row("*: form params broken", "status", "int:500", "int:400", V1, _ENVELOPE),
    *(
        Row(title, path, theirs, ours, V1, _ENVELOPE)
        for title, said in (
            ("*: broken JSON", "str:"),
            ("*: form params broken", "str:an HTML page"),
            ("*: DELETE", "str:an HTML page"),
            ("*: unknown action", "str:an HTML page"),
        )
        for path, theirs, ours in (
            (
                "headers.content-type",
                "str:text/html; charset=UTF-8",
                "str:application/json; charset=utf-8",
            ),
            ("answer", said, ANYTHING),
        )
    ),
    *(
        Row("messages/message: *", f"answer.data.{where}.{name}", ANYTHING, ABSENT, V1, _ACCEPTED)
        for where in ("headers", "raw_message.headers")
        for name in ("dkim-signature", "x-postal-msgid")
    ),
    *(
        Row(f"*: {_CLICKED}", f"answer.data.{path}", ANYTHING, f"str:{text}", V1, _ACCEPTED)
        for path, text in (
            ("plain_body", _SUBMITTED["plain_body"]),
            ("html_body", _SUBMITTED["html_body"]),
            ("raw_message.leaves[[]0].text", _SUBMITTED["plain_body"].rstrip()),
            ("raw_message.leaves[[]1].text", _SUBMITTED["html_body"]),
        )
    ),
    Row(
        "*: message with attachment, attachments and bodies",
        "answer.data.html_body",
        "str:<p>x</p><p class='ampimg' style='display:none;visibility:none;margin:0;padding:0;line-height:0;'>"
        "<img src='http://click.golden.example/img/{image}' alt=''></p>",
        "str:<p>x</p>",
        V1,
        _ACCEPTED,
    ),
    Row(
        f"*: {_CLICKED}",
        "answer.data.activity_entries.loads[[]1]",
        ANYTHING,
        ABSENT,
        TRACKING,
        _NO_OPEN,
    ),
)

SMTP: tuple[Row, ...] = (
    Row(
        "*",
        "* EHLO *.auth",
        "str:AUTH CRAM-MD5 PLAIN LOGIN",
        "str:AUTH PLAIN LOGIN",
        "docs/adr/0010-cram-md5-is-understood-but-not-announced.md",
        "EHLO announces `AUTH PLAIN LOGIN`.",
    ),
    *(
        Row("first words", path, theirs, ours, SENDING, "EHLO needs a name (RFC 5321 §4.1.1.1)")
        for path, theirs, ours in (
            ("3 EHLO.class", "str:2xx", "str:5xx"),
            ("3 EHLO.auth", "str:AUTH CRAM-MD5 PLAIN LOGIN", ABSENT),
        )
    ),
    Row("first words", "* HELP.class", "str:5xx", "str:2xx", SENDING, "HELP is answered"),
    Row("first words", "* STARTTLS.class", "str:5xx", "str:2xx", SENDING, "TLS is always there"),
    *(
        Row(
            "first words",
            f"* AUTH XOAUTH2.{name}",
            ANYTHING,
            ours,
            SENDING,
            "an unknown mechanism is 504",
        )
        for name, ours in (("code", "str:504"), ("text", "str:Unrecognised authentication type"))
    ),
    *(
        Row(
            "auth plain not base64",
            f"* AUTH PLAIN %%%.{name}",
            ANYTHING,
            ours,
            SENDING,
            "A response that is no base64 is 501",
        )
        for name, ours in (("code", "str:501"), ("text", "str:Cannot decode base64"))
    ),
    Row(
        "odd senders",
        "* MAIL FROM:.class",
        "str:2xx",
        "str:5xx",
        SENDING,
        "The null sender is `<>` (RFC 5321 §4.1.2)",
    ),
)

_PIXEL = "**The image** has one pixel"

TRACKED: tuple[Row, ...] = (
    *(
        Row("GET /img/ehdexf/*", path, theirs, ours, TRACKING, _PIXEL)
        for path, theirs, ours in (
            ("headers.content-length", "str:17685", "str:68"),
            ("body", "str:<png, 17685 bytes>", "str:<png, 68 bytes>"),
        )
    ),
    *(
        Row("GET /wrong1/abcdefgh", path, theirs, ours, TRACKING, _ONE_READ_LESS)
        for path, theirs, ours in (
            ("headers.content-length", "str:20", "str:14"),
            ("body", "str:Invalid Server Token", "str:Link not found"),
        )
    ),
    *(
        Row("GET /img/wrong1/x", path, theirs, ours, TRACKING, _ONE_READ_LESS)
        for path, theirs, ours in (
            ("status", "int:404", "int:200"),
            ("headers.content-length", "str:20", "str:68"),
            ("body", "str:Invalid Server Token", "str:<png, 68 bytes>"),
        )
    ),
)

_RETURN_PATH = "**The return path names the message**"
_COMPLAINTS = "**Complaints come back**"
_COVERED = "content-transfer-encoding:content-type:date:from:message-id:mime-version:subject:to"
_SIGNATURES = "**There are two signatures**"
_LINKS = "**Links** without quotes are replaced too, quotes stay as they were, and a full stop behind a link"
_LINK = "http://click.golden.example/{link}"

MAIL: tuple[Row, ...] = (
    *(
        Row(
            "*",
            path,
            "str:ehdexf@psrp.golden.example",
            "str:{token}@psrp.golden.example",
            SENDING,
            _RETURN_PATH,
        )
        for path in ("mail_from", "headers.resent-sender[[]0]")
    ),
    Row(
        "*",
        "headers.dkim-signature[[]0].order",
        "str:date:from:to:message-id:subject:mime-version:content-type:content-transfer-encoding",
        "str:content-transfer-encoding:content-type:mime-version:subject:message-id:to:from:date"
        ":cfbl-address",
        SENDING,
        _SIGNATURES,
    ),
    Row(
        "*",
        "headers.dkim-signature[[]0].h",
        f"str:{_COVERED}",
        f"str:cfbl-address:{_COVERED}",
        SENDING,
        _COMPLAINTS,
    ),
    Row("*", "headers.cfbl-address", ABSENT, ANYTHING, SENDING, _COMPLAINTS),
    Row("*", "headers.dkim-signature[[]0].more", "str:", ANYTHING, SENDING, _SIGNATURES),
    Row("*", "headers.dkim-signature[[]1]", ABSENT, ANYTHING, SENDING, _SIGNATURES),
    Row(
        "*",
        "leaves[[]0].text",
        f"str:See {_LINK} and {_LINK}",
        f"str:See {_LINK} and {_LINK}.",
        TRACKING,
        _LINKS,
    ),
    Row(
        "*",
        "leaves[[]1].text",
        f"str:<html><body><p>Hi <a href='{_LINK}'>one</a> <a href='{_LINK}'>two</a> "
        '<a href=https://acme.example/bare>bare</a> <a href="mailto:x@acme.example">m</a> '
        '<a href="https://acme.example/no">no</a></p>'
        "<p class='ampimg' style='display:none;visibility:none;margin:0;padding:0;line-height:0;'>"
        "<img src='http://click.golden.example/img/{image}' alt=''></p></body></html>",
        f"str:<html><body><p>Hi <a href=\"{_LINK}\">one</a> <a href='{_LINK}'>two</a> "
        f'<a href={_LINK}>bare</a> <a href="mailto:x@acme.example">m</a> '
        '<a href="https://acme.example/no">no</a></p>'
        "<p class='ampimg' style='display:none;margin:0;padding:0;line-height:0'>"
        "<img src='http://click.golden.example/img/{image}' alt='' width='1' height='1'></p></body></html>",
        TRACKING,
        _LINKS,
    ),
)
