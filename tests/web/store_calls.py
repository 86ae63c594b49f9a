"""How many calls each page makes to its store, at most (docs/dashboard.md).

A row is the number on SQLite, that on AWS, and the page: below S, the address of a server, below O, that of an
organization, or as it is. Whoever looks is WHO of them: the session, the user, the memberships.
"""

from __future__ import annotations

from typing import NamedTuple


class Calls(NamedTuple):
    """On each engine."""

    sqlite: int
    aws: int

    def on(self, engine: str) -> int:
        """On one of them."""
        return self.aws if engine == "aws" else self.sqlite


WHO = 3
# Besides who looks.
MOST_OF_A_PAGE = 6
# What stands around a page of a server, once in ten seconds: organizations, servers, an overview, the installation.
AROUND = Calls(30, 34)
PLACES = {"S": "/org/{org}/servers/{server}", "O": "/org/{org}"}
# They show many things of many kinds, all asked for at a time: each name of a member, a key, a domain's owner is one.
MORE = """
13  15  O/members
13  14  /settings/tokens
10   8  /admin
10   8  /admin/health
13  12  /admin/pools
40  44  S
16  17  S/start
11  11  S/messages/incoming
14  17  S/messages/{id}
11  14  S/queue
11  11  S/operations/new
10  11  S/domains
13  15  O/domains
10  11  S/domains/{domain}
11  11  S/suppressions/{address}
14  13  S/keys
10  14  S/webhooks/{id}
11  12  S/routes
10  10  S/routes/new
12  12  S/routes/{id}
12  12  S/endpoints/{id}
11  11  S/endpoints/{id}/delete
11  12  S/insights/causes
14  15  S/insights/causes/{cause}
"""
TABLE = """
 3   3  /login
 3   3  /login/second
 3   3  /confirm
 4   4  /auth/oidc
 4   4  /auth/oidc/callback
 3   3  /login/reset
 3   3  /login/reset/{token}
 3   3  /login/email/{token}
 4   4  /invite/{token}
 5   5  /
 3   3  /organizations/new
 8   9  O
 3   3  O/servers/new
 6   6  O/settings
 6   6  O/settings/delete
 7   8  O/keys
 7   8  O/keys/{id}/edit
 4   4  /admin/keys
 4   4  /admin/keys/{id}/edit
 8   9  O/members/{user}
 3   3  /settings
 4   4  /settings/security
 4   5  /settings/sessions
 4   5  /admin/users
 4   4  /admin/users/{user}
 5   5  /admin/organizations
 7   5  /admin/sources
 9   7  /admin/settings
 8  11  /admin/operations
 4   4  /admin/sources/{source}/edit
 3   3  S/messages
 7   7  S/messages/outgoing
 7   7  S/messages/new
 8   9  S/messages/{id}/preview
 8   9  S/messages/{id}/headers
 8   9  S/messages/{id}/source
 8   9  S/messages/{id}/attachments
 6   6  S/messages/{id}/spam
 6   6  S/messages/{id}/activity
 5   6  S/messages/{id}/raw
 5   6  S/messages/{id}/attachments/{index}
 6   6  S/messages/{id}/cancel
 6   6  S/messages/{id}/bounce
 6   6  S/messages/{id}/resend
 9   9  S/messages/{id}/replay
 6   6  S/messages/{id}/reschedule
 3   3  /view/{token}
 8  10  S/held
 5   5  S/tail
 5   5  S/tail/rows
 3   3  S/search
 8   9  /search
 5   5  S/operations
 5   5  S/operations/{id}
 3   3  S/domains/new
 3   3  O/domains/new
 5   5  O/domains/{domain}
 6   6  S/domains/{domain}/zone
 6   6  S/domains/{domain}/share
 5   5  O/domains/{domain}/share
 5   5  O/domains/{domain}/zone
 8   9  S/domains/{domain}/remove
 5   5  O/domains/{domain}/remove
 9   9  S/tracking
 5   5  S/tracking/{name}
 5   5  S/tracking/{name}/remove
 3   3  S/suppressions/import
 9  12  S/suppressions
 7   8  O/suppressions
 5   5  O/suppressions/{address}
 5   5  S/suppressions/{address}/allow
 5   5  O/suppressions/{address}/allow
 6   6  S/streams
 3   3  S/keys/new
 5   5  S/keys/{id}
 5   5  S/keys/{id}/revoke
 8   9  S/webhooks
 3   3  S/webhooks/new
 5   5  S/webhooks/{id}/edit
 5   5  S/webhooks/{id}/delete
 4   4  S/webhooks/{id}/deliveries/{delivery}
 5   5  S/webhooks/{id}/replay
 5   5  S/routes/{id}/delete
 6   6  S/endpoints
 3   3  S/endpoints/new
 6   6  S/endpoints/{id}/edit
 9  10  S/settings
 6   7  S/settings/mail
 6   7  S/settings/spam
 9  12  S/settings/retention
 6   7  S/settings/limits
 6   7  S/settings/rates
 6   7  S/settings/delete
 9   9  S/settings/rules
 8   8  S/settings/rules/{id}/edit
 8   8  O/ip_rules
 8   8  O/ip_rules/{id}/edit
 5   5  S/messages/searches/{id}
 3   3  S/settings/erase
 3   3  O/settings/erase
 5   5  S/settings/erase/{job}
 5   5  O/settings/erase/{job}
 5   5  S/settings/erase/{job}/proof
 5   5  O/settings/erase/{job}/proof
 5   5  S/audit
 5   5  O/audit
 7   7  S/insights
 9  11  S/insights/tags
 9  11  S/insights/domains
 9  11  S/insights/receivers
 5   5  O/operations
 5   5  O/operations/{id}
"""


def calls_by_page() -> dict[str, Calls]:
    """The rows by the pattern of the page."""
    return _read(TABLE) | beyond()


def beyond() -> dict[str, Calls]:
    """Those that ask more than others may."""
    return _read(MORE)


def _read(table: str) -> dict[str, Calls]:
    rows = (line.split() for line in table.strip().splitlines())
    return {_pattern(page): Calls(int(sqlite), int(aws)) for sqlite, aws, page in rows}


def _pattern(page: str) -> str:
    return page if page.startswith("/") else PLACES[page[0]] + page[1:]
