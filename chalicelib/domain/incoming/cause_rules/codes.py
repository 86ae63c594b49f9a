"""What enhanced codes mean (RFC 3463, the IANA registry of them, and what large receivers use beyond it).

A row is a code without its first digit, or a range of details, and its cause. A general code says so little that words
come before it.
"""

from __future__ import annotations

_TABLE = """
1.0     recipient_unknown     1.1   recipient_unknown     1.3    recipient_unknown     1.6   recipient_unknown
1.10    recipient_unknown     1.2   domain_unknown        1.7    sender_invalid        1.8   sender_invalid
2.1     mailbox_inactive      7.13  mailbox_inactive      2.2    mailbox_full          2.3   message_too_large
3.4     message_too_large     3.1   transient             3.2    transient             4.1   no_answer
4.2     connection            4.3   dns_failure           4.4    routing               4.6   routing
4.7     expired               5.3   too_many_recipients   5.0-2  protocol              5.4   protocol
6.0-9   protocol              7.0-2 policy                7.7    policy                7.600-699 policy
7.9     authentication        7.20-27 authentication      7.509  authentication        7.515 authentication
7.10-11 tls_required          7.28  rate_limited
"""


def _read() -> dict[tuple[int, int], str]:
    """By subject and detail."""
    words = _TABLE.split()
    found = {}
    for code, cause in zip(words[::2], words[1::2], strict=True):
        subject, details = code.split(".")
        first, _, last = details.partition("-")
        for detail in range(int(first), int(last or first) + 1):
            found[int(subject), detail] = cause
    return found


CODES = _read()
GENERAL = {(7, 1), (4, 1), (4, 4)} | {code for code in CODES if code[1] == 0}
