"""The table of tokens that came with an installation that was moved in."""

from __future__ import annotations

IMPORTED_TOKENS = """
/* Tokens that were made elsewhere: of a message with its recipient in lower case, or of a link by its number. */
CREATE TABLE imported_tokens(
  server INTEGER, token TEXT, message INTEGER NOT NULL, keep_until INTEGER NOT NULL, link INTEGER NOT NULL,
  recipient TEXT NOT NULL, PRIMARY KEY(server, token)) WITHOUT ROWID;
CREATE INDEX imported_tokens_by_end ON imported_tokens(keep_until);
CREATE INDEX imported_tokens_by_recipient ON imported_tokens(server, recipient) WHERE recipient != '';
"""
