"""What refusals and reports say of the message, its sender and the way that it came, whoever speaks.

A block begins with its cause, its source (`sources`) and, where the words mean that only in a temporary or in a
permanent refusal, `4xx` or `5xx`. Its texts are lower case with single blanks; pieces between stars follow each other.
The first text that is found decides, so that what is narrow stands before what is wide."""

from __future__ import annotations

RULES = """
authentication postfix
  no dns entries | no dns entry
sender_invalid rfc5321
  sender's account | sender account | sender's mailbox | sender mailbox | in from header does
tls_required rfc5321
  server certificate
protocol rfc5321
  hello name | helo domain | client domain | ehlo invalid | helo invalid
transient sendmail
  ex tempfail
connection sendmail
  hung up
transient amavis
  error in processing, id= | during fwd connect | virus scanners failed
transient postfix
  command died with status 126 | command died with status 127 | command died with status 255 | cannot update mailbox
rate_limited rfc5321
  sending limit | relay quota | submission quota | limit for processing requests | requests from your host
protocol exim
  must precede | helo argument | ehlo argument | malformed header | before greeting
protocol rfc5321
  hello first | rcpt first | helo first | ehlo first | line is too long | line too long | header is too long |
  header too long | header size exceeds | improperly formatted | not properly formatted | unimplemented command |
  need rcpt | need mail | mail first | line limit exceeded | may not be repeated | nested too deep | mime complexity |
  message depth | invalid message content
expired opensmtpd
  envelope expired
routing rfc5321
  too many "received" | too many 'received' | listed as a best preference mx
transient rfc5321
  unable to run | configuration error | ldap server | ldap error | ldap lookup | internal error
mailbox_full domino
  mail file size
mailbox_full rfc5321
  space has been used up
recipient_unknown rfc5321
  reserved by rfc | cannot route mail to user
message_too_large rfc5321
  more than * bytes | more than * kilobytes | more than * megabytes
policy rfc5321
  ip address rejected | ip address is rejected | list of senders | senders to accept | backscatter | third party dsn |
  unsigned dsn | batv | closed mailing list | organizational settings | not local host | allowed rcpthost |
  don't handle mail for | do not handle mail for | anti relay
sender_invalid rfc5321
  from: domain | valid from: | bogus mail from | sender mismatch | mismatch with header
dns_failure microsoft
  dns records for * could not be found | no relevant answers | dns records * not found | failure in mx lookup
transient postfix
  no such file | cannot write | can't write | cannot allocate | can't fork | cannot fork | unable to create lock |
  untrapped exception | out of file descriptors | read only file system
protocol gmail
  multiple addresses in | non rfc | more than one instance | there are multiple
authentication gmail
  log in with your web browser | log in via your web browser
sender_invalid exim
  unroutable sender | unrouteable sender | return email | sender address is not | sender address not allowed
policy postfix
  recipient address rejected: access denied | rejected for policy reasons
protocol gmx
  duplicate header
policy exim
  refused by local policy | due to abuse | spam origin | to a non-local | ip address deferred |
  turn on smtp authentication | not allowed to send: | outgoing mail suspension | dynamically assigned |
  requires confirmation | require confirmation
sender_invalid sendmail
  sender is rejected | sender email | verify mailfrom | verify mail from | sender not | sender must | sender is not |
  sender refused | sender address must | return path | cannot verify sender | sender could not be verified
authentication sendmail
  no spf | has no valid ptr | auth failed | authentication failed | authentication failure | unauthenticated
authentication rfc4954
  not authenticated | authentication unsuccessful | authentication is disabled | need ehlo and auth | auth first |
  must authenticate | please authenticate | authentication is required | login required | authentication credentials |
  credentials invalid | invalid credentials | username and password not accepted | incorrect authentication |
  bad username or password
policy rfc5321
  known spammers | list of spammers | spam list | spam blacklist | spam blocklist | no longer relay | not relaying |
  not relay for
spam qq
  content reject | reject content | content-policy | content policy | content rejection | rejected due to content |
  virus or spam | spam or virus | spam/virus | virus/spam | spam pattern | spamtext | reject spam | message denied |
  spam contents | junk email | bulk email | as junk
authentication gmail
  dns check failed | sender domain resolve fail | turn on smtp authentication | no a, aaaa, or mx dns
policy exim
  user's filter | recipient's filter | sieve * reject | does not accept mail from
policy sendmail
  rejected by recipient | rejected by the recipient | refused by recipient | refused by the recipient |
  blocked by recipient | blocked by the recipient | blacklisted by recipient | recipient has blocked | blocked by user |
  not accepting mail from you | recipient does not accept
policy barracuda
  personal blacklist | user's blacklist
policy exchange
  recipient only accepts | only accepts mail from | only accepts messages from | restricted to * senders |
  your email address isn't allowed | permission to send * to * recipient | not authorized to send to |
  not allowed to send to
virus rfc5321
  virus | malware | trojan | eicar | infected | ransomware | banned file | forbidden file | forbidden extension |
  file extension | file type | zip file | executable file | prohibited attachment | attachment filter |
  blocked attachment | executable attachment | forbidden attachment | dangerous attachment | attachment * not allowed |
  attachment * prohibited | attachment type
greylisted postfix
  greylist | graylist | grey listed | grey-listed | graylisted | grey-listing | please retry later * first time
authentication gmail
  dmarc | spf check | spf unauthorized | spf fail | spf record | spf validation | spf softfail | spf hardfail |
  failed spf | fails spf | spf: | unverifyable sending | unverifiable sending | spf-check | doesn't allow sending |
  does not allow sending | invalid ip for sending | spoofed message | spoofed sender | spf policy | spf-fail |
  rejected by spf | (spf) | sender policy framework | openspf | dkim | not designated * permitted sender |
  not permitted sender | is not allowed to send mail from | is not authorized to send mail from |
  not authorized to send mail on behalf | reverse dns | rdns | ptr record | no ptr | missing ptr | ptr lookup
authentication postfix
  cannot find your reverse hostname | cannot find your hostname | reverse hostname
authentication sendmail
  reverse lookup | ip name lookup failed | forged hostname | sender ip must resolve | must resolve to | fcrdns
authentication rfc5321
  authentication required
tls_required postfix
  must issue a starttls | starttls command first | starttls is required | starttls required | tls handshake |
  session encryption is required | tls not available | offers no tls | tls is required, but | cannot start tls |
  server certificate not | certificate verification failed | mta-sts | tlsa
tls_required gmail
  tls required | requires tls | tls is required
tls_required rfc5321
  encryption required | encryption needed
policy sendmail
  in an rbl | is in * rbl:
spam gmail
  likely spam
spam rfc5321
  blacklisted link | blacklisted website | uce | ube | bayes | advertis | looks spammy | messagescoring |
  message scored | as bulk | bulkmail | bulk email | rejected by dcc | listed url | spam sender | mass mailer |
  bulk mailer | message is unwanted | mail is unwanted | spam content | spam message | spam score | spam detected |
  detected as spam | considered spam | considered as spam | classified as spam | identified as spam | flagged as spam |
  marked as spam | rejected as spam | looks like spam | appears to be spam | seems to be spam | recognized as spam |
  is spam | as spam | spam-like | spam-related | suspected spam | possible spam | probable spam | contains spam |
  high spam | this is spam | spam rejected | spam filter | anti-spam | antispam | spamassassin | junk mail | junkmail |
  unsolicited | bulk mail | phishing | uribl | surbl | url in * blacklist | blacklisted url
spam postfix
  message content rejected | content rejected | content filter | rejected * content | content restrictions |
  message contains * content | high probability of spam | does not like * content
routing rfc5321
  too many hops | hop count | maximum hop | routing loop | loop detected | too many received
routing qmail
  mail loop | looping
routing exim
  points to local host | primary relay
routing postfix
  forwarding loop | loops back to myself | mail for * loops back
routing sendmail
  local configuration error * loop | config error: mail loops back
rate_limited rfc5321
  quota * exceeded * messages per | sending quota | send quota | sender quota
mailbox_full rfc5321
  too many messages on the server | out of quota | enough space | enough diskspace | enough storage | disk limit |
  disk space limit | maximum mailbox size | maximum allowed mailbox | maximum allowed number of messages |
  allowed message count | the space available | space has used up | space is used up | any more mail |
  any more messages | allowed storage | zuviele mails auf | zu viele mails auf | exhausted allowed storage |
  exhausted * storage | speichervolumen ueberschritten | speichervolumen überschritten | speicherplatz * überschritten |
  full mailbox | too many messages on * mailbox | too many messages in * mailbox | over quota | overquota |
  over the quota | over * quota | quota exceeded | exceeded * quota | exceeds * quota | exceed * quota | quota exceed |
  quota is exceeded | quota limit | quota violation | quota full | quota reached | quotaexceeded | mailbox quota |
  mailbox full | mailbox is full | mailbox * is full | mailfolder is full | inbox is full | inbox full |
  mailbox exceeds | mailbox size limit | mailbox has exceeded | mailbox exceeded | maildir over | disk full * user |
  account is full | account full | account is overquota | account * exceed * limit | user is full |
  too much mail * mailbox | not enough space * mailbox | not enough storage space | exceeded storage allocation |
  exceeded * storage | storage * exceeded | out of storage | no space left * mailbox | buzón lleno | buzon lleno |
  casella piena | casella di posta piena | caixa postal cheia | caixa cheia | 容量超過 | メールボックスが一杯
mailbox_full postfix
  maildir delivery failed: disk quota | disk quota
mailbox_full orange
  boite pleine | boîte pleine | boite aux lettres * pleine | boîte aux lettres * pleine
mailbox_full gmx
  postfach ist voll | postfach voll | quota überschritten
mailbox_full mailru
  ящик переполнен
mailbox_full qq
  邮箱已满
message_too_large rfc5321
  message too large | message too big | message is too large | message is too big | message header size exceeds |
  message size exceeds | message exceeds | message length exceeds | message * exceeds * size | message * larger than |
  exceeds * message size | exceeds size limit | exceeds * size limit | exceeds maximum | exceeds fixed |
  exceeds the maximum | max message size exceeded | class=size limit | maximum incoming message size |
  maximum inbound message size | exceeds * maximum size | maximum message size | max message size | message size limit |
  maximum allowed message size | size limit exceeded | too much mail data | mail size limit | mailsize | mail is too |
  mail too big | mail too large | email too large | email is too large | bigger than
message_too_large sendmail
  message file too big
message_too_large exchange
  larger than the current system limit
message_too_large postfix
  file size limit
message_too_large qmail
  databytes limit | that message is too big
too_many_recipients rfc5321
  too many recipients | too many rcpt | maximum number of recipients | number of recipients exceed | recipient limit |
  recipients per message | recipients limit | one recipient at a time
policy postfix
  sender address rejected: access denied | sender address rejected: not owned | sender address rejected: not logged in
sender_invalid postfix
  sender address rejected | sender address * undeliverable
sender_invalid sendmail
  sender domain | domain of sender | from:domain must | from domain must
sender_invalid exim
  sender verify failed | sender verification | sender callout | could not complete sender verify |
  postmaster verification failed | verification failed for <> | callback setup failed
sender_invalid rfc5321
  sender rejected | invalid sender | bad sender | unknown sender | sender unknown | sender * does not exist |
  sender * is invalid | sender is not valid | sender not exist | null sender | empty envelope sender |
  from address * invalid | mail from * invalid | invalid mail from | invalid return path | envelope sender
sender_invalid exchange
  sender denied
policy postfix
  blocked using
policy rfc5321
  blocked by | block list | blocklist | black list | blacklist | blackhole | black-listed | dnsbl | listed at |
  listed in | listed by | is listed | rbl | spamcop | sorbs | reputation | dynamic ip | dial-up | ip address * blocked |
  ip * is blocked | ip * has been blocked | ip * blocked | banned
policy sendmail
  open proxy | open relay
rate_limited rfc5321
  too many connections | too many concurrent | too many simultaneous | too many sessions | too many messages |
  too many emails | too many mails | too many invalid recipients | too many bad recipients |
  too many unknown recipients | too fast | rate limit | ratelimit | rate-limit | sending rate | rate exceeded |
  exceeded * rate | throttl | connections limit | limit exceeded * connection | concurrent connections |
  simultaneous connections | maximum connections | connections from your | messages per connection | max message per |
  hourly limit | daily limit | sending limit | message limit | excessive
rate_limited postfix
  too many errors | try again slower | too much mail from | connection rate | message rate | connection limit
rate_limited qq
  frequency
rate_limited sendmail
  connection slots | per second | send cap | limit on the number | number of outgoing | number of allowed
sender_invalid rfc5321 5xx
  from address | reply to address | return address is | return address not | envelope address | address you send |
  address you are sending
policy rfc5321 5xx
  ip address * not | may not send | not send from | approved list | allowed list | are not a member | is not a member |
  your address ( | type of content | suspended from sending | disabled for outgoing | disabled from sending |
  blocked from sending | your domain is not | your mail server's address | by other client
"""
