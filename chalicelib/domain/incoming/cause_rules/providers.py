"""What single receivers and their software are known to say, before any code is asked. The form is that of `words`."""

from __future__ import annotations

RULES = """
policy exim
  user rules | message filtered | filtered by user | recipient preferences | refuses to receive this mail |
  refuse to receive mail | has restricted sms | account is protected by | is not accepting any mail |
  only accepting mail from specific | isn't allowed to relay | that recipient is not allowed |
  email address blocked by | not on bypass list | on the recipient's block list
sender_invalid qmail
  envelope sender domain must exist
spam t-online
  spam or virus classification
policy postfix
  relay access denied
policy sendmail
  relaying denied | relay denied | relaying temporarily denied | do not relay | does not relay |
  relaying mail to * is not allowed | we are not a relay
policy exim
  relay not permitted | relaying not permitted | relaying not allowed | relaying is prohibited | relaying prohibited |
  not permitted to relay | not allowed to relay | no relaying | relaying to * prohibited
policy exchange
  relaying disallowed | unable to relay | cannot relay | resolver.rst.restrictedtorecipientspermission |
  resolver.rst.sendernotauth | resolver.rst.authrequired | resolver.rst.notauthorized
policy qmail
  isn't in my list of allowed rcpthosts | not in my list of allowed rcpthosts
policy rfc5321
  not a gateway
message_too_large exchange
  resolver.rst.recipsizelimit | resolver.rst.sendsizelimit
policy exchange
  resolver.rst.moderation
recipient_unknown exchange
  resolver.adr.recipnotfound | resolver.adr.exrecipnotfound | resolver.adr.recipientnotfound |
  resolver.adr.badprimary | resolver.adr.invalidinsmtp | resolver.adr.ambiguous
too_many_recipients exchange
  resolver.adr.recipientlimit | resolver.adr.reciplimit
routing exchange
  resolver.fwd.loop
recipient_unknown exchange
  resolver.fwd.notfound
mailbox_full exchange
  storedrv.deliver; mailbox full | quotaexceededexception
mailbox_inactive exchange
  mailboxdisabledexception | mailbox disabled | accountdisabled
message_too_large exchange
  storedrv.deliver.exception:messagetoobig
policy exchange
  approval.notauthorized | transport.rules.rejectmessage
domain_unknown exchange
  routing.nodomain | smtpsend.dns.nonexistentdomain | smtpsend.dns.nomx | smtpsend.dns.emptymx
dns_failure exchange
  smtpsend.dns
protocol exchange
  content.conversion
routing exchange
  hop count exceeded * possible mail loop
recipient_unknown microsoft
  5.4.1 * recipient address rejected: access denied | recipient not found by smtp address lookup
recipient_unknown gmail
  the email account that you tried to reach does not exist | the account or domain may not exist
mailbox_inactive gmail
  overquotaperm | that you tried to reach is disabled | that you tried to reach is inactive
mailbox_full gmail
  recipient's inbox is out of storage space | recipient's mailbox is out of storage |
  that you tried to reach is over quota | is over its storage quota
rate_limited gmail
  receivingrate | is receiving mail too quickly | is receiving mail at a rate that prevents |
  unusual rate of unsolicited mail | unusual rate of mail
spam gmail
  likely unsolicited mail
policy gmail
  likely suspicious due to the very low reputation | very low reputation of the sending
spam gmail
  message is suspicious for gmail
rate_limited gmail
  daily user sending * exceeded
authentication gmail
  sender's dmarc policy | due to domain's dmarc policy
authentication gmail-bulk
  does not have authentication information | doesn't pass authentication checks | unauthenticated email from |
  email has been blocked because the sender is unauthenticated
tls_required gmail-bulk
  not sent over a tls connection
virus gmail
  illegal attachment | potential security issue
message_too_large gmail
  message size * exceeded the size limit
protocol gmail
  our system has detected that this message is not rfc 5322 compliant | not rfc 5322 compliant |
  messages missing a valid * header | multiple destination domains per transaction is unsupported
authentication gmail-bulk
  the sending ip does not match * ptr | does not have a ptr record | guidelines for sending over ipv6
policy outlook
  weren't sent * part of their network is on our block list | part of their network is on our block list
policy microsoft
  banned sending ip | blocked from sending e-mail to * delist |
  service unavailable, client host * blocked using * as(16012 | access denied, banned
policy spamhaus
  spamhaus
rate_limited microsoft
  server busy. please try again later from | server busy * as(843 | please try again later. as(843
rate_limited outlook
  exceeded the rate limit | exceeded the maximum number of connections |
  has been temporarily rate limited due to ip reputation
routing microsoft
  mail sent to the wrong office 365 region | wrong office 365 region | the recipient * isn't expecting mail
policy microsoft
  tenantattribution | your organization does not allow external forwarding
authentication microsoft
  does not meet the required authentication level | did not pass dmarc verification
recipient_unknown outlook
  mailbox unavailable or access denied | requested action not taken: mailbox unavailable (s2017062302)
policy outlook
  dy-001 | dy-002 | ou-001 | ou-002 | sc-001 | sc-002 | sc-003 | sc-004
rate_limited outlook
  rp-001 | rp-002 | rp-003
policy yahoo
  [tss04] | [tss | [ts01] | [ts02] | [ts03] | temporarily deferred due to unexpected volume or user complaints |
  temporarily deferred due to user complaints | [ph01] | [bl | [ipts04]
recipient_unknown yahoo
  this user doesn't have a * account | dd this user doesn't have | delivery error: dd requested mail action aborted
mailbox_inactive yahoo
  this mailbox is disabled | mailbox is disabled
recipient_unknown yahoo
  requested mail action aborted, mailbox not found
mailbox_full yahoo
  account is over quota. cannot deliver
policy yahoo
  message not allowed - [pb01]
protocol yahoo
  message not allowed - headers are not rfc compliant
policy yahoo
  message temporarily deferred
authentication yahoo
  unable to deliver email due to dmarc | not accepted due to domain's dmarc
rate_limited yahoo
  resources temporarily unavailable * [numeric code] | max message per connection reached
policy aol
  rly: | rtr:
rate_limited aol
  dyn:t1
spam aol
  hvu:b | hvu:n
authentication aol
  dns:p1
rate_limited aol
  con:b1
policy icloud
  [hm07] | [hm08]
spam icloud
  [cs01]
rate_limited icloud
  [hcm
policy icloud
  mail rejected due to local policy
mailbox_full icloud
  user is over quota (in reply to rcpt to
authentication icloud
  email rejected due to sending domain misconfiguration
policy comcast
  comcast block for spam
authentication comcast
  comcast requires that all mail servers must have a ptr
recipient_unknown comcast
  not our customer | account not available
policy comcast
  bl000000 | bl000001
rate_limited comcast
  try again later - rl
authentication gmx
  no smtp service * bad dns ptr resource record
policy gmx
  transaction failed * reject due to policy restrictions | nemesis esmtp service not available |
  no smtp service * ip address is black listed
rate_limited gmx
  no smtp service * ip address is temporarily on block list
policy gmx
  error-messages?*&c=bl
rate_limited gmx
  error-messages?*&c=sm | error-messages?*&c=hi
policy gmx
  error-messages?*&c=re
authentication gmx
  error-messages?*&c=spf | error-messages?*&c=dkim | error-messages?*&c=dmarc
policy t-online
  a problem occurred * tosa@ | a problem occurred. (ask your postmaster for help or to contact | reject, id * bl
policy orange
  service refuse. veuillez essayer plus tard | service refused, please try later
recipient_unknown orange
  adresse d au moins un destinataire invalide | adresse d'au moins un destinataire invalide |
  invalid recipient. ofr_
mailbox_full orange
  boite du destinataire pleine
recipient_unknown orange
  ofr_416
mailbox_full orange
  ofr_417
spam orange
  ofr_506
policy orange
  ofr_999 | ofr_ | ofr004_
rate_limited orange
  lpn105_
policy orange
  lpn007_ | too many spams from your ip
spam orange
  spam detecte
spam qq
  mail content denied
recipient_unknown qq
  mailbox unavailable or access denied.
policy qq
  suspected bounce attacks
mailbox_inactive qq
  the email account * is suspended
spam netease
  dt:spm | dt:spam
rate_limited netease
  hl:ihu | hl:iff | mi:ceb | mi:dmc | mi:stc
policy netease
  mi:spb
authentication netease
  mi:spf
policy netease
  mi:csg
rate_limited netease
  mi:dcm | hl:itc | hl:ifc | hl:mep
policy netease
  hl:ics
mailbox_inactive netease
  user suspended
mailbox_inactive mailru
  non-local user disabled
recipient_unknown postfix
  user not found in * local recipient table | user unknown in * recipient table | user unknown in * mailbox table |
  user unknown in * alias table | undeliverable address: unknown user
virus mailru
  bounced by message content filter * virus
spam mailru
  spam message rejected
mailbox_full yandex
  mailbox size limit exceeded
policy yandex
  policy rejection on the target address
spam yandex
  message rejected under suspicion of spam
policy mimecast
  envelope blocked - https://community.mimecast.com | envelope blocked | csi.mimecast.org | mimecast * anti-spoofing |
  anti-spoofing policy | administrative prohibition - envelope blocked
greylisted mimecast
  internal resources are temporarily unavailable | sender failed to retry
sender_invalid exim
  no mx or a record for * sender
policy proofpoint
  blocked * cloudmark | csi.cloudmark.com | ipcheck.proofpoint.com | dnsbl.proofpoint |
  blocked - see https://ipcheck
recipient_unknown proofpoint
  user unknown * ppe
policy ironport
  poor reputation | sender base reputation | senderbase
policy barracuda
  barracudacentral | barracudanetworks.com/reputation | permanently deferred. please see
policy att
  dnsbl:attrbl | abuse_rbl@abuse-att.net
policy comcast
  bizsmtp * connection refused
recipient_unknown domino
  user * not listed in domino directory | not listed in domino directory | not listed in public name & address book |
  no match in domino directory
transient domino
  message transfer agent's disk is full
policy domino
  mail policy * restrictions
policy zoho
  blacklisted recipient mails
mailbox_inactive zoho
  mail box is blocked
"""
