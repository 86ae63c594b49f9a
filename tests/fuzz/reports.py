"""Fuzz target: whatever arrives at a return path is read as something, in words that are known."""

from __future__ import annotations

from chalicelib.domain.incoming.causes import cause_of
from chalicelib.domain.incoming.reports.read import read_report

SEEDS = (
    b"From: MAILER-DAEMON@x.test\r\nContent-Type: multipart/report; boundary=B\r\n\r\n--B\r\n\r\nSorry\r\n--B\r\n"
    b"Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x.test\r\n\r\n"
    b"Final-Recipient: rfc822; b@x.test\r\nAction: failed\r\nStatus: 5.1.1\r\n"
    b"Diagnostic-Code: smtp; 550 5.1.1 User unknown\r\n\r\n--B\r\n"
    b"Content-Type: message/rfc822\r\n\r\nX-Postal-MsgID: abcdefghijklmnop\r\nMessage-ID: <a@b>\r\n\r\n--B--\r\n",
    b"From: postmaster@x.test\r\nSubject: failure notice\r\n\r\n<b@x.test>:\r\n550 no such user\r\n",
    b"Content-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\nOriginal-Rcpt-To: <b@x.test>\r\n",
    b"Auto-Submitted: auto-replied\r\nSubject: Out of office\r\n\r\nI am away.\r\n",
)
WORDS = (
    b"Action: ",
    b"\r\n\r\n",
    b"--B",
    b"\\x{10FFFF}",
    b"utf-8;",
    b"@",
    b"<<<",
    b">>>",
    b"550 5.1.1 ",
    b"<br>",
)


def fuzz_reports(data: bytes) -> None:
    """Read without an error; what is found can be asked."""
    found = read_report(data)
    for block in found.blocks:
        assert found.block_about(block.recipient or "") is not None
        assert (block.recipient is None) is (not block.names)
        assert found.allows("nobody@example.com") in (True, False)
    assert cause_of(0, "", data.decode("latin-1"))
