"""What is left to go by where no narrower words are found: of whom or what a refusal speaks, and that it is missing,
full, closed or forbidden. Asked after `words_of_recipients`, in the form of `words`."""

from __future__ import annotations

RULES = """
policy rfc5321
  remote domains | not belong to | not owned by
mailbox_full rfc5321
  no room | no free space | maximum capacity | reached its limit | reached the limit * mailbox | disk allocation |
  mailbox * full | inbox * full | account * full | can't take any more | cannot accept any more | storage * full |
  storage * exhausted | mailbox capacity
mailbox_inactive rfc5321 5xx
  administratively disabled | temporary locked | temporarily locked | cannot be accessed | can't be accessed |
  mailbox * closed | account * terminated | service * terminated | on hold | dormant | not activated |
  not yet activated | not yet active | subscription * expired | account * cancelled | account * canceled |
  mailbox * cancelled | mailbox * terminated | recipient * locked | recipient * blocked | no longer being used |
  not accepting messages | unpaid | non payment
sender_invalid rfc5321
  verify sender | verify the sender | verify your address | sender's domain | from header domain | sender verif |
  sender has no | from domain | envelope from | mail from domain
dns_failure rfc5321
  name resolution | dns lookup | dns query | dns problem | resolver error
domain_unknown rfc5321 5xx
  domain must exist | find any host | find * domain | single label domain | not be resolved | not resolve |
  unable to resolve | cannot resolve | can't resolve | could not resolve | no mx | no mail exchanger | no mail server |
  no a record | no dns | domain * not exist | domain * unknown | domain * invalid |
  no mail is accepted for this domain | not a valid domain
authentication rfc4954
  proper dns | authentication checks | pass authentication | cannot decode | log in first | login first |
  wrong password | bad password | invalid password | password | smtp auth | login failed | credentials
policy rfc5321 5xx
  moderated | only members | members only | members can post | subscribers only | not subscribed | not a subscriber |
  not hosted here | relay | whitelist | white list | allow list | allowlist | not authorised | not authorized |
  sender * not allowed | sender * blocked | do not send
message_too_large rfc5321
  over our limit | size * greater | size * larger | size exceed | exceeds * limit of | larger than | bigger than |
  size limit | maximum size | message size | too long
too_many_recipients rfc5321
  more than * recipients | recipients in one | number of recipients
rate_limited rfc5321
  too quickly | per day | per hour | per minute | max connections | maximum number of | sent too many |
  in a short time | limit exceeded | limit reached | reached * limit | over limit | exceeded * limit | throttled | burst
greylisted postfix 4xx
  first contact | first time | first delivery | unknown triplet | new sender
expired rfc5321
  after multiple | multiple retries | too many attempts | within * days | within * hours | lifetime | hours without |
  days without | attempted for | retries exhausted | gave up after | delivery period | retry period | too old |
  maximum * retries
connection rfc5321
  network error | socket | closed unexpectedly | reset by | connection was * closed | connection abort | disconnected
no_answer rfc5321
  none of the * answered | did not answer | no response | not reachable | unreachable | no such route
tls_required rfc5321
  tls failure | tls failed | certificate | encrypted connection | tls negotiation | tls error | tls connection | ssl |
  encryption
protocol rfc5321 5xx
  no from header | no date header | no subject | empty subject | empty body | no body | invalid character |
  header * missing | missing * header | header * invalid | duplicate | ehlo | helo | encoding | rfc
recipient_unknown rfc5321 5xx
  restricted characters | address reserved | does not like recipient | take delivery | invalid x.400 |
  matches found in | been replaced by | not in use | not in * directory | not listed in | not on file | not registered |
  not a registered | mailbox name | looking for | no valid user | no valid recipient | isn't on | no one by |
  unknown e mail | unknown mail | wrong user | wrong address | no mailbox | username | recipient * not | user * not |
  address * not | account * not | mailbox * not | user * invalid | recipient * invalid | address * invalid |
  not our domain | no recipients
routing rfc5321
  no valid route | no route | address family
transient rfc5321
  not accepting connections | not accepting network | several matches found | cannot create | can't create |
  is a directory | not a directory | cannot open | lookup error | deferred:
transient rfc5321 4xx
  maintenance | overloaded | busy | unavailable
policy rfc5321 5xx
  prohibits | prohibited | policy | not permitted | not allowed | forbidden | disallowed
"""
