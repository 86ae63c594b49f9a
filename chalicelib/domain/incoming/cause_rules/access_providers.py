"""What providers of internet access, and gateways in front of mail systems, say in codes of their own. Asked before
`providers`, in the form of `words`."""

from __future__ import annotations

RULES = """
policy exim
  not permitted to * relay | permitted to relay through | unauthorized relay | relay not authorized
policy sendmail
  user refused to receive | bounced by administrator | no permit | denyip | mismatches client ip
authentication mimecast
  spf sender invalid | dkim sender invalid | dmarc sender invalid
policy mimecast
  sender address blocked | local ct ip reputation | header-based | block policy for | envelope rejected |
  content examination policy | host network not allowed | open relay not allowed | ip temporarily blacklisted
tls_required mimecast
  requires encryption (tls) | requires tls version | requires high-strength ciphers
mailbox_inactive mimecast
  account inbounds disabled
message_too_large mimecast
  maximum email size exceeded
transient mimecast
  unable to process connection at this time | message ended early | unable to process command
rate_limited mimecast
  account service is temporarily unavailable | outbound thread limit
policy cox
  aup#cxbl | aup#cdrbl | aup#cxsmtp | aup#ipbl | aup#cxthrt | aup#cxmj | cox too many bad commands
authentication cox
  aup#cxdns | aup#cxsndr | rejected - no rdns | dns check failure
rate_limited cox
  aup#cxcnct | aup#cxmxrt | message threshold exceeded
spam cox
  aup#urlbl
virus cox
  attachment extension is forbidden
policy spectrum
  aup#in-100 | aup#in-101 | aup#in-12 | aup#i-100 | aup#i-12 | aup#1260 | aup#in-156
authentication spectrum
  aup#in-11 | aup#i-11
rate_limited spectrum
  aup#in-13 | aup#in-14 | aup#in-154 | aup#in-158 | aup#i-13 | aup#i-14
message_too_large spectrum
  aup#in-153
too_many_recipients spectrum
  aup#in-155
too_many_recipients godaddy
  ib605
rate_limited godaddy
  ib007 | ib504 | ib510 | ib607
policy godaddy
  ib103 | ib104 | ib105 | ib106 | ib110 | ib111 | ib112 | ib113 | ib401
authentication godaddy
  ib108 | ib508
spam godaddy
  ib212
virus godaddy
  ib705
protocol godaddy
  ib501 | ib502
sender_invalid godaddy
  ib506
mailbox_full godaddy
  account storage limit
policy qq
  suspected spam ip | connection denied | rejected by recipients
rate_limited qq
  frequency limited
spam qq
  spam is embedded
sender_invalid yahoo
  unresolvable rfc
policy yahoo
  will be permanently deferred
authentication yahoo
  yahoo requires all senders to authenticate
authentication icloud
  [hme1] | failing both spf and dkim
sender_invalid orange
  emetteur invalide
mailbox_inactive orange
  destinataire archivee | compte du destinataire est bloque
message_too_large orange
  taille limite du message
policy orange
  adresse ip source bloquee | mail from not owned by user
authentication orange
  authentification requise
policy coremail
  not taken: invalid ip | ip is rejected | ip is hangup | user in blacklist | local user only | no smtp mx only
sender_invalid coremail
  fake sender
mailbox_inactive coremail
  user hangup
transient coremail
  handle timeout
mailbox_full gmail 4xx
  user is over quota | account is over quota | mailbox is full | mailbox full
transient postfix 4xx
  verification in progress | unverified address
greylisted postfix 4xx
  greylist | graylist | grey-list
policy rfc5321
  not accept mail from this sender | not accept mails from this sender | not accepting mail from this sender |
  not accept messages from this sender | not accept email from this sender
policy aol
  not accepting mail with | not accepting mail from
recipient_unknown att
  addressee unknown | blank mailhost
domain_unknown sendmail
  host unknown
recipient_unknown microsoft
  5.4.1 * recipient addresses rejected
rate_limited microsoft
  5.2.122 | messages they can receive per | number of concurrent connections | queue quota exceeded
rate_limited sendmail
  connection rate limit exceeded | too many open connections
mailbox_full dovecot
  automatically rejected: not enough disk space
authentication aol
  dns:nr
policy postfix
  helo command rejected: access denied
mailbox_full comcast
  quota violation
recipient_unknown orange
  lpn007_416
policy vade
  vadesecure.com/inbound_error_codes
mailbox_inactive o2
  disabled or not yet active
mailbox_inactive mailru
  user is terminated
rate_limited gmail
  unusual rate of unsolicited mail
policy rfc5321
  your ip * blacklisted | your ip * blocklisted | your ip * blocked
policy microsoft
  no mail-enabled subscriptions | not in allowed-senders list | unregistered domain
rate_limited exim
  exceeded the max emails per
rate_limited sendgrid
  exceeded your messaging limits
rate_limited zoho
  unusual sending activity
sender_invalid sendgrid
  verified sender identity
sender_invalid ses
  email address is not verified | sender not verified
policy microsoft
  bad outbound sender
policy exchange
  sendasdenied
policy gmail
  mail relay denied
recipient_unknown gmail
  is not a valid rfc
rate_limited gmail
  try again later, closing connection
transient gmail
  connection expired, try reconnecting
spam gmail
  nature of the content
spam mimecast
  mcspamsignature
policy mimecast
  blocked senders
authentication gmx
  bad dns ptr
sender_invalid gmx
  invalid dns mx
policy qq
  same as authorization user | suspected spam sender
policy zoho
  mailpolicy violation | mailbox delivery failure policy | delivery restricted by policy
policy trendmicro
  block-send-er | block-sender | block-rcpt
domain_unknown trendmicro
  rejected: no-domain
greylisted yahoo
  [gl01]
sender_invalid exim
  sender verify failed
authentication gmail
  5.5.1 * authentication required
policy boxbe
  not pre-approved | has been waitlisted | guest list
policy verizon
  blocked by * anti-spam system | blocked by * antispam system
policy yahoo
  message from * temporarily deferred | messages from * temporarily deferred
rate_limited gmx
  mail bomb
rate_limited microsoft
  4.7.500 * server busy
rate_limited sendgrid
  maximum credits exceeded
policy outblaze
  spamblock.outblaze.com
"""
