"""Which messages a request chooses: what lists take (api.md 2.19), as the filter that finds them."""

from __future__ import annotations

from chalicelib.api.v2.admission import Call
from chalicelib.api.v2.fields import mailbox_of
from chalicelib.api.v2.models import EmailQuery
from chalicelib.api.v2.rates import count
from chalicelib.domain.rates import SEARCH
from chalicelib.domain.search.mail_filter import MailFilter
from chalicelib.domain.search.parse import parse_query
from chalicelib.ports.clock import Clock


def filter_of(call: Call, query: EmailQuery) -> MailFilter:
    """The filter of a list. QuerySyntax for a search that cannot be read. With a recipient both directions are meant,
    unless one is named beside a search."""
    is_told = query.q is not None and "direction" in query.model_fields_set
    return MailFilter(
        scope=query.direction if query.to is None or is_told else None,
        flag=query.status.value if query.status else None,
        recipient=mailbox_of(query.to).address if query.to else None,
        query=parse_query(query.q or "", call.program[Clock].now()),
    )


async def count_search(call: Call, wanted: MailFilter) -> None:
    """Count a search that has to be looked for. RateExceeded."""
    if not wanted.is_cheap:
        await count(call, SEARCH, call.tenant.name if call.tenant else "")
