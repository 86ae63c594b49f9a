"""The bell of jobs on one host, where one process looks each second and needs none."""

from __future__ import annotations

from chalicelib.ports.job_bell import JobBell


class SqliteJobBell(JobBell):
    """The `JobBell` port where looking costs one read of an index."""

    async def ring(self) -> None:
        """Nothing: within a second somebody looks."""
