"""What SMTP conversations are full of: the dictionary that they are packed with, the most frequent at the end.

It is never changed: what lies in stores is unreadable without it. Another one needs another form.
"""

from __future__ import annotations

_LINES = (
    "550 5.7.1 Message rejected as spam by Content Filtering. blocked using ",
    "550 5.4.1 Recipient address rejected: Access denied. [",
    "550 5.1.1 The email account that you tried to reach does not exist. Please try ",
    "550-5.1.1 double-checking the recipient's email address for typos or unnecessary spaces. ",
    "552 5.2.2 The recipient's inbox is out of storage space. Mailbox full, quota exceeded ",
    "550 5.1.1 <User unknown; rejecting No such user here Mailbox unavailable ",
    "451 4.7.1 Greylisting in action, please come back later ",
    "450 4.2.0 Recipient address rejected: Greylisted, try again in seconds ",
    "421 4.7.0 Try again later, closing connection. Too many connections ",
    "<421-4.7.28 Our system has detected an unusual rate of unsolicited mail originating from your IP",
    "<220 .mail.protection.outlook.com Microsoft ESMTP MAIL Service ready at ",
    "<250 2.6.0 [InternalId= Hostname=] Queued mail for delivery -> 250 2.1.5\n",
    "<220 mtaproxy.free.mail.yahoo.com ESMTP ready\n<250 ok dirdel\n",
    "<220 smtpin ICLOUD ESMTP\n",
    "<220 ESMTP Exim <220 ESMTP Postfix\n>HELO <554 5.7.1 <220-",
    ">AUTH PLAIN ***\n<334 \n>AUTH LOGIN\n>***\n<235 2.7.0 Authentication successful\n<235 2.7.0 Accepted\n",
    ">NOOP\n>BDAT <250-XCLIENT NAME ADDR <250-HELP\n<250-VRFY\n<250-ETRN\n<250-BINARYMIME\n<250-LIMITS RCPTMAX=\n",
    "<250-REQUIRETLS\n<250-AUTH PLAIN LOGIN\n<250-AUTH=PLAIN LOGIN\n<250-Hello [<250-DSN\n<250 DSN\n",
    "<250 HELP\n<250-mx.google.com at your service, [<250-SIZE 157286400\n<250-SIZE 10240000\n",
    "<250-SIZE 52428800\n<250-8BITMIME\n<250-STARTTLS\n<250-ENHANCEDSTATUSCODES\n<250-PIPELINING\n",
    "<250-CHUNKING\n<250 CHUNKING\n<250 SMTPUTF8\n",
    ">STARTTLS\n<220 2.0.0 Ready to start TLS\n<220 2.0.0 SMTP server ready\n>EHLO ",
    ">RSET\n<250 2.0.0 Ok\n>MAIL FROM:<psrp-+@rp. BODY=8BITMIME SMTPUTF8 RET=HDRS SIZE=\n",
    ">RCPT TO:<@gmail.com> NOTIFY=FAILURE ORCPT=rfc822;\n>DATA\n",
    "<250 2.1.0 OK <250 2.1.0 Sender ok\n<250 2.1.5 OK <250 2.1.5 Recipient ok\n",
    "<354 Go ahead <354 Start mail input; end with <CRLF>.<CRLF>\n",
    "<354 End data with <CR><LF>.<CR><LF>\n>( bytes)\n<250 2.0.0 Ok: queued as <250 2.0.0 OK  ",
)
WORDS = "".join(_LINES).encode("ascii")
