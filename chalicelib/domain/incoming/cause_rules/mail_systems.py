"""What mail programs, and providers with few wordings of their own, say before any code is asked. Asked between
`access_providers` and `providers`, in the form of `words`."""

from __future__ import annotations

RULES = """
sender_invalid postfix
  sender address rejected: user unknown | sender address rejected: unverified
policy exchange
  senderfilterconfig
protocol microsoft
  message must be rfc
policy rfc5782
  invaluement | is blacklisted | is blocklisted | sender * refused by * dnsbl | in the spammer list |
  currently sending spam | your ip * identified as spam
domain_unknown gmail
  dns error: domain name not found
greylisted mimecast
  internal resource temporarily unavailable
sender_invalid yahoo
  from address not verified
sender_invalid qq
  mail from is mismatched | mismatched with message header from
spam rfc5321
  spamtrap | mail data refused
protocol rfc5321
  mime/reject
policy rfc5321
  user does not accept email in
connection sendmail
  reply: read error
connection rfc5321
  lost incoming connection
transient postfix
  maildir delivery failed: create maildir
policy exchange
  temporarily disallowed
protocol postfix
  helo command rejected
protocol rfc5321
  line limit exceeded
sender_invalid sparkpost
  unconfigured sending domain
mailbox_inactive rfc5321
  administratively disabled | administrativley disabled | address does not receive mail
no_answer gmail
  recipient server did not accept our requests to connect
mailbox_full rfc5321
  recipient overquota | recipient over quota
mailbox_full postfix
  overdrawn his diskspace quota
policy ironport
  your access to submit messages * has been rejected
"""
