"""Operations on `/api/v2/jobs`.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from collections.abc import Iterator

from posthorn_client.asking import Asking
from posthorn_client.models.jobs import Job, JobPage, JobToStart
from posthorn_client.paging import items
from posthorn_client.request import Request, part


class JobsOperations(Asking):
    """Operations on `/api/v2/jobs`."""

    def list_jobs(
        self, *, limit: int | None = None, cursor: str | None = None, tenant: str | None = None
    ) -> JobPage:
        """List jobs, newest first: those of types that the key has the scope for."""
        request = Request(
            "GET", "/api/v2/jobs", query={"limit": limit, "cursor": cursor}, tenant=tenant
        )
        answer: JobPage = self._json(request)
        return answer

    def all_jobs(self, *, tenant: str | None = None, limit: int = 100) -> Iterator[Job]:
        """The items of all pages of `list_jobs`, each asked for when it is needed."""
        return items(lambda cursor: self.list_jobs(limit=limit, cursor=cursor, tenant=tenant))

    def start_job(
        self, body: JobToStart, *, tenant: str | None = None, idempotency_key: str | None = None
    ) -> Job:
        """Start a job, or with `dry_run` look what it would be about.

        It needs the scope of its type: `emails:write` for what is done with messages,
        `emails:send` to resend them, `suppressions:write` for an import, reading of what is
        exported, `webhooks:write` for replays of webhooks, `servers:write` to erase an address.
        """
        request = Request(
            "POST",
            "/api/v2/jobs",
            body=body,
            tenant=tenant,
            can_repeat=True,
            idempotency_key=idempotency_key,
        )
        answer: Job = self._json(request)
        return answer

    def show_job(self, id: int | str, *, tenant: str | None = None) -> Job:
        """Show a job, and how far it is."""
        request = Request("GET", f"/api/v2/jobs/{part(id)}", tenant=tenant)
        answer: Job = self._json(request)
        return answer

    def stop_job(
        self, id: int | str, *, tenant: str | None = None, idempotency_key: str | None = None
    ) -> Job:
        """Stop a job within five seconds; what it has done stays."""
        request = Request(
            "POST",
            f"/api/v2/jobs/{part(id)}/stop",
            tenant=tenant,
            can_repeat=True,
            idempotency_key=idempotency_key,
        )
        answer: Job = self._json(request)
        return answer
