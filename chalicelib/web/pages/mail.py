"""The pages of mail: lists, one message, what is in it, what is done with it and with many at once."""

from __future__ import annotations

from chalicelib.web.pages import (
    mail_view,
    message,
    message_acts,
    message_content,
    messages,
    operations,
    queue,
    saved_searches,
    search,
    tail,
    test_message,
)

ROWS = (
    *messages.ROWS,
    *saved_searches.ROWS,
    *test_message.ROWS,
    *message.ROWS,
    *message_content.ROWS,
    *message_acts.ROWS,
    *mail_view.ROWS,
    *queue.ROWS,
    *tail.ROWS,
    *search.ROWS,
    *operations.ROWS,
)
