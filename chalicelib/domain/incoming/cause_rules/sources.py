"""Where the words of the rules were read, by the short name that the tables have for it."""

from __future__ import annotations

SOURCES = {
    "rfc5321": "https://www.rfc-editor.org/rfc/rfc5321",
    "gmail": "https://support.google.com/a/answer/3726730",
    "gmail-bulk": "https://support.google.com/mail/answer/81126",
    "microsoft": "https://learn.microsoft.com/exchange/mail-flow-best-practices/"
    "non-delivery-reports-in-exchange-online/non-delivery-reports-in-exchange-online",
    "outlook": "https://sendersupport.olc.protection.outlook.com/pm/troubleshooting.aspx",
    "yahoo": "https://senders.yahooinc.com/smtp-error-codes/",
    "aol": "https://postmaster.aol.com/error-codes",
    "icloud": "https://support.apple.com/102322",
    "cox": "https://www.cox.com/residential/support/email-error-codes.html",
    "spectrum": "https://www.spectrumbusiness.net/support/internet/understanding-email-error-codes",
    "godaddy": "https://www.godaddy.com/help/fix-rejected-email-with-a-bounce-error-40685",
    "comcast": "https://www.xfinity.com/support/articles/email-errors",
    "gmx": "https://postmaster.gmx.net/en/error-messages",
    "t-online": "https://postmaster.t-online.de/",
    "orange": "https://postmaster.orange.fr/",
    "qq": "https://service.mail.qq.com/",
    "netease": "https://help.mail.163.com/",
    "mailru": "https://help.mail.ru/developers/postmaster",
    "yandex": "https://yandex.com/support/mail/web/sending-error-codes.html",
    "mimecast": "https://community.mimecast.com/s/article/email-security-cloud-gateway-smtp-error-codes",
    "proofpoint": "https://support.proofpoint.com/",
    "ironport": "https://www.cisco.com/c/en/us/support/security/email-security-appliance/",
    "barracuda": "https://campus.barracuda.com/",
    "spamhaus": "https://www.spamhaus.org/resource-hub/",
    "att": "https://www.att.com/support/article/email-support/KM1010523/",
    "postfix": "https://www.postfix.org/postconf.5.html",
    "exim": "https://www.exim.org/exim-html-current/doc/html/spec_html/",
    "sendmail": "https://www.sendmail.org/~ca/email/doc8.12/cf/m4/anti_spam.html",
    "qmail": "https://cr.yp.to/proto/qsbmf.txt",
    "exchange": "https://learn.microsoft.com/exchange/mail-flow/non-delivery-reports-and-bounce-messages/"
    "non-delivery-reports-and-bounce-messages",
    "coremail": "https://www.icoremail.vip/support/",
    "outblaze": "https://university.4dem.it/article/723-elenco-delle-motivazioni-di-soft-bounce",
    "domino": "https://help.hcl-software.com/domino/",
    "zoho": "https://www.zoho.com/mail/help/",
}
