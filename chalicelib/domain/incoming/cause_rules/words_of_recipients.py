"""What refusals and reports say of recipients, their domains and the way there; asked after `words`, in its form."""

from __future__ import annotations

RULES = """
mailbox_full qmail
  storage full | space not enough | not enough space | mailbox space | error writing message: file too large |
  recipient * full | mailbox * over | maildir * full | user is over | no space for user | exceeded his | exceeded her |
  exceeded their | has no space | mail box full | mailbox too large | mailfolder is over | over the allowed quota |
  disc quota | blocks limit exceeded | mailbox limit exceeded | quota exceed the hard limit | users mailfolder |
  insufficient mailbox space | mailbox size exceeded
mailbox_inactive exchange
  now disabled | has been disabled | is disabled | been discontinued | or discontinued | temporarily disabled |
  cannot receive email | cannot receive mail | cannot receive messages | no recipient activity | log in to enable |
  receiving disabled | suspend the service | is currently suspended | domain * suspended | is locked | is suspended |
  has been suspended | currently disabled | is deactivated | account is closed | mailbox closed | not active |
  disableduser | account * has expired | account is not active | account not activated | user account not activated |
  account not enabled | this account has been retired | is restricted | archived recipient | not been active |
  recipient has been suspended | mailbox has been deactivated | user is inactive | deactivated mailbox |
  mailbox is no longer active
mailbox_inactive rfc5321
  not allowed to receive | account disabled | account is disabled | account * disabled | account has been disabled |
  account suspended | account is suspended | account * suspended | account * inactive | account inactive |
  account expired | account has expired | account * deactivated | account * locked | account * closed | account closed |
  account * blocked | account has been * deleted | account that * inactive | mailbox disabled | mailbox * disabled |
  mailbox inactive | mailbox is inactive | mailbox * inactive | mailbox * suspended | mailbox * frozen |
  mailbox frozen | mailbox * locked | mailbox * blocked | mailbox * deactivated | mailbox * expired |
  mailbox currently suspended | email account * not active | user disabled | user is disabled | user * disabled |
  user suspended | user * suspended | user * inactive | user * is expired | user * deactivated | user * locked |
  user is not active | inactive user | inactive account | inactive mailbox | disabled user | disabled account |
  disabled mailbox | recipient * disabled | recipient suspended | recipient * suspended | recipient * inactive |
  recipient is not active | address * disabled | address * is inactive | address has been suspended | no longer active |
  not been activated | domain is disabled | unavailable user, mailbox locked | account * inactivity |
  mailbox * inactivity | user * inactivity | extended inactivity | user hasn't entered | user has not entered |
  user hasn't logged | user has not logged
dns_failure postfix
  host not found, try again | name service error * try again
transient postfix 4xx
  recipient address rejected: * try again | recipient address rejected: * try later |
  recipient address rejected: service | recipient address rejected: temporar
transient postfix
  temporary lookup failure
transient exim
  temporary local problem
dns_failure rfc5321
  temporary dns | dns temporar | dns error | dns failure | dns server | dns timeout | dns resolution |
  could not be resolved temporarily | servfail
dns_failure qmail
  dns lookup * fail | dns soft error | cname lookup failed temporarily
dns_failure exchange
  dns query * fail
dns_failure sendmail
  name server: * deferred | name server timeout | name lookup failure | host name lookup failure
dns_failure exim
  host lookup did not complete | lookup deferred
dns_failure postfix
  malformed or unexpected name server reply | malformed name server reply
domain_unknown qmail
  couldn't find any host named | couldn't find any host by that name | couldn't find a mail exchanger or ip address |
  cannot find a mail exchanger
domain_unknown sendmail
  host unknown | unknown host
domain_unknown postfix
  host not found | host or domain name not found | does not accept mail (nullmx) | domain * does not accept mail
domain_unknown rfc5321
  name or service not known | no such host | no such domain | no mail hosts | domain not found | domain name not found |
  domain * not found | domain * does not exist | domain * doesn't exist | domain does not exist | domain non existent |
  nonexistent domain | non-existent domain | nxdomain | unknown domain | invalid domain | bad destination host |
  bad destination system | domain is invalid | no mx record | null mx | nullmx | illegal host/domain name |
  no valid hosts | recipient's domain
domain_unknown exim
  domain is not reachable | non-existent hosts | unrouteable mail domain | unrouteable domain | unroutable domain |
  host address lookups failed permanently | all host address lookups failed |
  an mx or srv record indicated no smtp service
recipient_unknown sendmail
  user unknown | user * unknown
recipient_unknown postfix
  unknown user | recipient address rejected: undeliverable address | recipient address rejected: unverified address |
  recipient address rejected: user | recipient address rejected: invalid | recipient address rejected: no such |
  recipient address rejected: address | recipient address rejected: mailbox | unknown virtual
recipient_unknown rfc5321
  user not found | user * not found | no such user | no such person | no such recipient | no such mailbox |
  no such address | no such account | no such local user | no such email | no such virtual user | no such * here |
  no mailbox | no user | no account | not our user | not a valid | not a known user | not a local user | isn't a valid |
  is not valid | is unknown | is not known | not known at this site | recipient unknown | recipient * unknown |
  recipient not found | recipient * not found | recipient not exist | recipient does not exist |
  recipient * does not exist | recipient * doesn't exist | recipient no longer | recipient * no longer |
  recipient is invalid | recipient invalid | recipient is not exist | recipient is not local | unknown recipient |
  unknown address | unknown account | unknown mailbox | unknown or illegal alias | unknown email | invalid recipient |
  invalid rcpt to | invalid user | invalid address | invalid mail address | invalid mailbox | invalid email |
  invalid destination | bad address | bad recipient | bad destination mailbox | bad mailbox | bad destination email |
  address unknown | address invalid | address is invalid | address not present | address not found |
  address * not found | address * does not exist | address * doesn't exist | address does not exist | address error |
  address no longer | address is no longer | address * no longer | address has changed | addressee unknown |
  mailbox not found | mailbox * not found | mailbox unknown | mailbox does not exist | mailbox * does not exist |
  mailbox doesn't exist | mailbox * doesn't exist | mailbox not exist | mailbox not available |
  mailbox name not allowed | mailbox syntax | account not found | account unknown | account does not exist |
  account * does not exist | account * doesn't exist | user does not exist | user * does not exist |
  user doesn't exist | user * doesn't exist | user not exist | user not known | user not local | user invalid |
  user * no longer | user has moved | user has left | user is unknown | user reject | does not exist here |
  doesn't have an account | does not have an * account | no longer works here | no longer with | no longer on server |
  no longer in use | no longer available | no longer valid | no longer accepts mail | no longer exists |
  can't verify recipient | cannot verify recipient | alias * not found | not found: recipient | recipient rejected
recipient_unknown qmail
  no mailbox here by that name
recipient_unknown coremail
  dosn't exist | dosen't exist | doesnt exist | doesn't exists | does not exists | malformed address
recipient_unknown exim
  no local mailbox | recipient verify failed | unknown local
recipient_unknown postfix 5xx
  undeliverable address
recipient_unknown rfc5321 5xx
  mailbox unavailable | mailbox is unavailable | mailbox * unavailable | no thank you rejected: account unavailable |
  account unavailable | account is unavailable | user unavailable | user is unavailable | recipient unavailable |
  recipient is unavailable
recipient_unknown exchange
  rcpt * not ok | are invalid | recipient verify | recipient validation | nosuchuser | unresolvable address |
  recipient not ok | user * not ok | not a member of domain | cannot be verified | wrong recipient |
  unknown destination | no longer at | lookup in domain map failed | verification failed for recipient |
  couldn't be found | could not be found | wasn't found at
recipient_unknown domino
  not listed in | not found in directory | directory lookup failed
recipient_unknown exim 5xx
  unrouteable address | unroutable address
domain_unknown exim
  unrouteable address | unroutable address
recipient_unknown gmx
  benutzer unbekannt | empfänger unbekannt | unbekannter empfänger
recipient_unknown exchange
  eingegebene e-mail-adresse konnte nicht gefunden werden
recipient_unknown orange
  utilisateur inconnu | destinataire inconnu | adresse inconnue | boite inconnue | n'existe pas
recipient_unknown rfc5321
  usuario desconocido | usuario inexistente | destinatario desconocido | destinatario inexistente |
  destinatário desconhecido | destinatário inexistente | no existe | usuário desconhecido | utente sconosciuto |
  non esiste | destinatario sconosciuto | 存在しません | 見つかりません
recipient_unknown mailru
  пользователь не найден | не существует
recipient_unknown netease
  用户不存在 | 不存在
recipient_unknown exchange
  several matches found | not found recipient account | no valid recipients | not unique | no such id |
  recipient unrecognized | unrecognized recipient | cannot deliver mail for | not a valid user |
  user missing home directory | vdeliver: invalid | badrcptto | no one at this address | name is not found |
  rejected recipient | destination addresses were unknown | can't accept user | invalid final delivery userid |
  no mail box available | not an active address | recipient verification | final email delivery point |
  no matches to nameserver | did not exactly match | illegal user | name is not recognized | unknown recipient |
  <> not used | address not used | no match for | user path no exist | user path not exist | no-existing user |
  non-existent user | nonexistent user | non-existent account | nonexistent account | non existent user |
  unknown addressee | no such customer | not a customer | unknown customer | not exist in system | no recipient found |
  was not found | address rejected | is not a registered | is not a user | is not a member | not our customer |
  email address * wrong | is invalid | doesn't exist | does not exist | unable to find | could not find * user |
  wasn't found | no longer employed | has been deleted | was deleted | has been removed | is not here | no such
routing sendmail
  points back to
no_answer qmail
  wasn't able to establish an smtp connection
expired postfix
  could not be delivered for | message expired
expired sendmail
  delivery time expired | in queue too long | cannot send message * for * days | could not send message for past
expired rfc5321
  delivery expired | expired before | message timed out | could not be delivered * for * hours |
  delivery failed * maximum time | giving up on * after | message delivery time | timed out in queue |
  delivery retry timeout | maximum queue
expired exim
  failing for a long time | not been collected | maximum delivery attempts | delivery failed * attempts |
  retry timeout exceeded | retry time not reached
expired qmail
  has been in the queue too long | been in the queue | been in the queue too long | i'm not going to try again |
  queue too long
expired exchange
  ttl expired | queue.expired
transient postfix 4xx
  command output
connection gmail
  could not initiate smtp conversation * connection dropped | did not accept our requests to connect * dropped
no_answer gmail
  could not initiate smtp conversation | did not accept our requests to connect | all attempts to connect
connection postfix
  connection with * broken | timed out while | connection is broken | lost connection | connection was lost |
  connection lost | connection reset | connection refused | no route to host | network is unreachable |
  conversation * timed out
connection exchange
  connection dropped | connection was dropped
connection rfc5321
  connection closed | connection broken | connection failed | connection aborted | broken pipe | network unreachable |
  unexpected eof
connection postfix
  address family not supported | timeout waiting for | closing connection due to
connection qmail
  connection died | connected to * but connection died
connection exim
  remote host closed | remote closed | timeout after
no_answer postfix
  connection timed out
no_answer rfc5321
  connection timeout | connect timeout | connection took too long | operation timed out
no_answer qmail
  unable to establish
no_answer exim
  connection to mail exchanger failed | was not reachable | not reachable within | could not connect | couldn't connect
connection rfc5321
  cannot connect
no_answer rfc5321
  unable to connect | no answer | not responding | not answer | host * unreachable | host is down | timed out | timeout
no_answer exchange
  did not respond
routing rfc5321
  could not find a gateway | unable to route | cannot route | no route | mail system incorrectly configured
routing exchange
  next hop | smarthost
spam rfc5321
  spam
protocol rfc5321
  not rfc | rfc 822 | rfc 2822 | rfc2822 | rfc 5322 | rfc5322 | rfc 1652 | syntax error | bad sequence |
  command not implemented | not implemented | command unrecognized | command not recognized | unrecognized command |
  command rejected | protocol error | protocol violation | header error | resent-from field | bad command |
  line too long | line length | bare lf | bare linefeed | 8bitmime | 8-bit | smtputf8 | non-ascii | malformed |
  message header | missing header | invalid helo | bad helo | conversion | mime error | mime header | mime type |
  mime part | mime structure | invalid mime | bad mime
protocol exim
  unrecognised command | send helo | helo first | ehlo first | say helo | polite people | fqdn | fully qualified |
  improper sequence | out of sequence | wrong sequence | unexpected command | unknown command | nested mail command |
  pipelining
protocol qmail
  stray newline
protocol postfix
  bare newline | need fully-qualified | helo name | helo invalid | helo command rejected
transient qmail
  input/output error | can not open new email file | unable to switch to | unable to open | temporarily unable |
  resources temporarily unavailable | out of disk space | blame it on the weather
transient rfc5321
  out of memory | insufficient * storage | disk space | no space left on device | local error in processing |
  error in processing | internal server error | internal error | system error | temporarily unavailable |
  temporary failure | temporary error | temporary problem | service shutting down | service not available |
  system is busy | server too busy | server busy | try again later | try later
transient sendmail
  system full | temporary * failure | temporary * problem | temporary * error | insufficient disk space | load average |
  load too high
transient exchange
  system resources | insufficient resources
transient postfix
  transport is unavailable | queue file write error | server configuration
transient rfc5321 4xx
  service unavailable | service is currently unavailable | currently unavailable | mailbox * busy |
  mailbox unavailable | account is unavailable | come back later
policy rfc5321
  administratively * blocked | administratively denied | administratively prohibited | administrative * prohibit |
  local policy | policy violation | policy reasons | policy reject | policy restrict | security polic |
  against * policy | due to * policy | not authorized | not authorised | not permitted | not allowed |
  permission denied | rejected by | refused by | blocked | forbidden | prohibited | go away | message refused |
  message rejected | mail rejected | delivery not authorized
policy postfix
  access denied | access to * denied | refused to talk | permanently rejected | have permission | closed system
authentication rfc5321
  spf | ptr
mailbox_full rfc5321
  quota | storage limit
message_too_large rfc5321
  too large | too big | oversize
rate_limited rfc5321
  too many | slow down | volume
tls_required rfc5321
  starttls | certificate
protocol rfc5321
  bad syntax | invalid command | invalid input | invalid header | bad header | bad argument
recipient_unknown rfc5321 5xx
  not found | not exist | cannot be found | can't be found | not recognized | not recognised | nobody | has left |
  no longer
policy sendmail
  no access for this | ip in prison | denied by policy | denied by * policy | rule imposed mailbox access
policy rfc5321 5xx
  denied | disallowed | unacceptable | not accepted | not wanted | unwanted | does not want | not welcome |
  do not accept | rejected | refused | rejecting
"""
