"""What services say of limits, of senders and of listed hosts, whatever code they put in front of it. Asked between
`mail_systems` and `providers`, in the form of `words`."""

from __future__ import annotations

RULES = """
tls_required gmail-bulk
  wasn't sent over a tls | was not sent over a tls
authentication gmail-bulk
  because dkim | because spf | because the from: header | isn't aligned with
rate_limited gmail
  sending limit exceeded | sending quota exceeded | too many login attempts
rate_limited zoho
  hourly quota | daily quota | hourly limit exceeded | hourly sending | daily sending | monthly quota |
  reached your daily | reached its daily | reached your hourly | reached your monthly
rate_limited microsoft
  submission rate for this client | connections limit exceeded | exceeded permitted limits | tenant has exceeded |
  tenant exceeded | exceeded its tenant | external recipient rate limit | daily limit for message recipients |
  maximum number of connections | sender thread limit
rate_limited icloud
  receiving mail too
rate_limited yandex
  message rate limit | receiving rate limit
rate_limited exim
  max defers and failures
rate_limited ses
  maximum sending rate | message quota exceeded
rate_limited gmx
  nemesis esmtp service not available * too many
rate_limited orange
  trop de connexions | ofr004_104 | trop de messages
rate_limited netease
  mi:sfq | mi:qmc | mi:cel | mi:ccl | rp:drc | rp:qrc | rp:trc | rp:cel | rp:ccl | hl:rep
policy netease
  dt:rbl | wm:bli | wm:blu | hl:ipb
sender_invalid netease
  dt:sum
policy netease
  must equal authorized user | smtp auth error limit
policy qq
  conform with authentication
authentication netease
  rp:rdn | 无权登陆 | 无权登录
policy t-online
  a problem occurred * ask your postmaster
policy zoho
  email outgoing blocked
policy messagelabs
  trying to use me * as a relay | relay, but i have not been configured
policy groups.io
  not subscribed to that group | is not subscribed to * group
mailbox_full qmail
  over quota temporarily | user over quota | user is over quota
protocol qmail
  smtplf.html
policy qmail
  badmailfrom
policy microsoft
  isn't authenticated within | not have permissions to send | not have permission to send |
  not have permission to submit
authentication sendmail
  fix reverse dns
policy rfc5321
  connection refused from [ | connections from * being rejected
policy exchange
  delivery not authorized, message refused
policy gmx
  reject due to policy
policy rfc5321
  accept connections from your | spam_client
policy orange
  abus detecte | abus détecté
virus amavis
  reject, id= * banned
"""
