"""How reports without a machine-readable part give themselves away, as data: a block a mail system, with its source.

Texts are lower case with single blanks; one that is found anywhere says it.
"""

from __future__ import annotations

_DAEMONS = """
# RFC 5321 section 4.5.1 and the names that mail systems send under
mailer-daemon | postmaster | mailerdaemon | mail-daemon | mailer_daemon | maildaemon | mail.daemon |
no-reply-mailer | mdaemon | microsoftexchange | mail-delivery | maildelivery | mailadmin | mail-system |
bounce | bounces | daemon | mailer
"""
_SYSTEM_NAMES = """
# What they call themselves in front of the address
mail delivery s | mail system | jetmail system | system administrator | mail administrator | email delivery
"""
_BOUNCE_SUBJECTS = """
# Postfix, sendmail, Exim, qmail: bounce.template(5), doc/op, spec 48.1, qsbmf
undelivered mail | returned mail | mail delivery failed | failure notice |
delivery status notification (failure) | mail delivery failure | message delivery failure | mail failure |
returned to sender | return to sender
# Exchange and Microsoft 365: non-delivery reports, in the languages of the recipient's organization
undeliverable | undeliverable: | unzustellbar | non remis | no se puede entregar | non recapitabile |
não é possível entregar | onbestelbaar | kan inte levereras | niedostarczalne | недоставлено | 无法送达 | 未传递 |
配信不能
# Domino, GroupWise, Notes
delivery failure | mail system error - returned mail | message status - undeliverable
# Others, as their notices say
delivery failed | delivery has failed | delivery problem | delivery error | could not be delivered |
couldn't be delivered | not delivered | undelivered | unable to deliver | nondeliverable mail |
delivery notification | delivery report | delivery unsuccessful | message undeliverable | mail undeliverable |
rejected mail | rejected message | message rejected | fehlgeschlagen | mail could not | message could not |
email could not | non-delivery | permanent failure | mail error | delivery to the following recipients failed |
mail failed | failed mail | failure delivery | user unknown | processing error | delivery status notification |
échec | 邮件退回 | 退信通知 | 无法投递 | notificación de estado de entrega | 退信 | 邮件投递失败 | 系统退信
"""
_BOUNCE_TEXTS = """
# qmail and its children: qsbmf
this is the qmail-send program | i'm afraid i wasn't able to deliver your message |
i wasn't able to deliver your message | this is a permanent error; i've given up |
i have been unable to deliver | unfortunately i was not able to deliver
# Exim: spec 48.1
this message was created automatically by mail delivery software |
a message that you sent could not be delivered to | the following address(es) failed
# Postfix: bounce.template(5)
this is the mail system at host | i'm sorry to have to inform you that your message could not
# sendmail
the following addresses had permanent fatal errors | the following addresses had permanent delivery errors |
transcript of session follows
# Exchange
your message did not reach some or all of the intended recipients | delivery has failed to these recipients |
the following recipient(s) could not be reached | the following recipient(s) cannot be reached |
your message couldn't be delivered | your message wasn't delivered | generating server:
# Domino
your message * was not delivered to | was not delivered to: * because:
# Gmail, Yahoo, AOL, Apple and others
delivery to the following recipient failed | delivery to the following recipients failed |
address not found * your message | sorry, we were unable to deliver your message | message not delivered |
could not be delivered to one or more | unable to deliver your message to | we were unable to deliver |
undeliverable to the following | was undeliverable | could not deliver your message |
couldn't deliver your message | the following message could not be delivered |
your mail message to the following address(es) could not be delivered | your message cannot be delivered to |
your message could not be delivered | could not deliver message to | unable to deliver message to |
has been returned because | failed recipients | the following mail could not be delivered |
could not be delivered to the following | was automatically rejected | the mail system | permanent error |
message could not be delivered |
邮件无法发送 | 邮件无法送达 | 无法投递 | 未能送达 | 投递失败
"""
_DELAYS = """
# Postfix, sendmail, Exim
this is a warning message only | you do not need to resend | still being retried |
could not send message for past | warning: message | delayed mail | delivery delayed | message delayed |
delivery attempts will continue | no action is required on your part | has not yet been delivered |
will keep trying | delivery status notification (delay) | delivery warning | has been postponed
# Exchange, Gmail and others
delivery is delayed | delivery of the message * delayed | hasn't been delivered yet | not been delivered yet |
delivery incomplete | will retry for | will continue to try | attempts to deliver the message will continue |
there was a temporary problem | mail delivery delayed | will be retried | verzögert | delayed:
"""
_AUTO_SUBJECTS = """
# RFC 3834 section 3.1.5 and what mail programs write
auto: | automatic reply | autoreply | auto-reply | auto reply | autoresponse | auto-response | auto response |
autoresponder | automated response | automated reply | automatische antwort | automatisch antwoord |
out of office | out-of-office | ooo: | oof: | out of the office | away from my mail | on vacation | vacation reply |
vacation response | on holiday | on leave | i am away | i'm away | abwesen | außer haus | absence: | absence : |
absence du bureau | absent du bureau | absent: | absent : | message d'absence | notification d'absence |
réponse automatique | respuesta automática | fuera de la oficina | risposta automatica | fuori ufficio |
resposta automática | ausência | afwezig | autosvar | frånvaro | poissaolo | nieobecno | автоответ |
автоматический ответ | автоматична відповідь | αυτόματη απάντηση | automatyczna odpowied | automatická odpov |
automatikus válasz | automatisk svar | automaattinen vastaus | automatski odgovor | samodejni odgovor |
automatinis atsakymas | automātiskā atbilde | automaatvastus | răspuns automat | otomatik yan |
respuesta automatica | resposta automatica | תשובה אוטומטית | رد تلقائي | balasan otomatis |
trả lời tự động | 자동 회신 | 자동 응답 | 자동응답 | 自動返信 | 自动答复 |
自动回复 | 自動回覆 | 自動応答 | 不在 | no longer at | has left
"""
_MARKERS = """
# Where the message that is returned begins
--- below this line is a copy of the message | ------ this is a copy of the message |
--- the header of the original | this is a copy of your message | original message headers |
original message header | ----- original message | -----original message | --- original message |
message header follows | message headers follow | message content follows | undelivered message follows |
unsent message below | ----- message header | your original message: | your original message follows |
your original message is | your original message was | your original message header | returned message follows |
the original message was: | header of the source mail | start of returned message | returned mail follows |
copy of the message follows | original message follows | text of the message |
---------- forwarded message | headers of the message | begin returned message | - message text follows |
------ the body of the message | the first * lines of the message | --- returned message | original headers |
this is a copy of the headers | message contents | ----- rejected message | email header:
"""


def _read(table: str) -> tuple[tuple[str, ...], ...]:
    """Each text as the pieces that follow each other."""
    lines = [line for line in table.strip().splitlines() if not line.startswith("#")]
    texts = [text.strip() for line in lines for text in line.split("|") if text.strip()]
    return tuple(tuple(piece.strip() for piece in text.split("*")) for text in texts)


DAEMONS = frozenset(text for (text,) in _read(_DAEMONS))
SYSTEM_NAMES = tuple(text.encode() for (text,) in _read(_SYSTEM_NAMES))
BOUNCE_SUBJECTS = _read(_BOUNCE_SUBJECTS)
BOUNCE_TEXTS = _read(_BOUNCE_TEXTS)
DELAYS = _read(_DELAYS)
AUTO_SUBJECTS = _read(_AUTO_SUBJECTS)
MARKERS = _read(_MARKERS)


def says_any(text: str, wordings: tuple[tuple[str, ...], ...]) -> bool:
    """Whether one of them is in a text, in linear time."""
    return place_of_first(text, wordings) >= 0


def place_of_first(text: str, wordings: tuple[tuple[str, ...], ...]) -> int:
    """Where the one that begins first does; -1 for none."""
    places = [place for pieces in wordings if (place := _place(text, pieces)) >= 0]
    return min(places, default=-1)


def _place(text: str, pieces: tuple[str, ...]) -> int:
    first = at = text.find(pieces[0])
    for piece in pieces[1:]:
        if at >= 0:
            at = text.find(piece, at)
    return first if at >= 0 else -1
