"""Operations on `/api/v2/pool-rules`.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from collections.abc import Iterator

from posthorn_client.asking import Asking
from posthorn_client.models.pool_rules import (
    PoolRule,
    PoolRulePage,
    PoolRuleToChange,
    PoolRuleToMake,
)
from posthorn_client.paging import items
from posthorn_client.request import Request, part


class PoolRulesOperations(Asking):
    """Operations on `/api/v2/pool-rules`."""

    def list_pool_rules(
        self, *, limit: int | None = None, cursor: str | None = None, tenant: str | None = None
    ) -> PoolRulePage:
        """List the pool rules that act on the tenant's mail: a server's newest first, then its organization's.

        Needs the scope `servers:read`.
        """
        request = Request(
            "GET", "/api/v2/pool-rules", query={"limit": limit, "cursor": cursor}, tenant=tenant
        )
        answer: PoolRulePage = self._json(request)
        return answer

    def all_pool_rules(self, *, tenant: str | None = None, limit: int = 100) -> Iterator[PoolRule]:
        """The items of all pages of `list_pool_rules`, each asked for when it is needed."""
        return items(lambda cursor: self.list_pool_rules(limit=limit, cursor=cursor, tenant=tenant))

    def create_pool_rule(
        self, body: PoolRuleToMake, *, tenant: str | None = None, idempotency_key: str | None = None
    ) -> PoolRule:
        """Make a pool rule: it is asked before the others, for mail that comes from now on.

        Needs the scope `servers:write`.
        """
        request = Request(
            "POST",
            "/api/v2/pool-rules",
            body=body,
            tenant=tenant,
            can_repeat=True,
            idempotency_key=idempotency_key,
        )
        answer: PoolRule = self._json(request)
        return answer

    def show_pool_rule(self, id: int | str, *, tenant: str | None = None) -> PoolRule:
        """Show a pool rule of the tenant's own.

        Needs the scope `servers:read`.
        """
        request = Request("GET", f"/api/v2/pool-rules/{part(id)}", tenant=tenant)
        answer: PoolRule = self._json(request)
        return answer

    def change_pool_rule(
        self, id: int | str, body: PoolRuleToChange, *, tenant: str | None = None
    ) -> PoolRule:
        """Change a pool rule; its place in the order stays.

        Needs the scope `servers:write`.
        """
        request = Request("PATCH", f"/api/v2/pool-rules/{part(id)}", body=body, tenant=tenant)
        answer: PoolRule = self._json(request)
        return answer

    def delete_pool_rule(self, id: int | str, *, tenant: str | None = None) -> None:
        """Delete a pool rule; mail that was taken keeps its pool.

        Needs the scope `servers:write`.
        """
        request = Request("DELETE", f"/api/v2/pool-rules/{part(id)}", tenant=tenant)
        self._nothing(request)
