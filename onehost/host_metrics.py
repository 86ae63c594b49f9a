"""What one host tells Prometheus of itself beside what every installation tells: its SMTP, HTTP, log, disk,
certificate, clock and backups. The alert rules of infra/prometheus/ stand on these.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from chalicelib import bootstrap
from chalicelib.adapters.sqlite.file_system import room_at
from chalicelib.adapters.sqlite.folder import RUN
from chalicelib.adapters.sqlite.webhook_lanes import SqliteWebhookLanes
from chalicelib.domain.prometheus import Samples, metric
from chalicelib.ports.clock import Clock
from chalicelib.services.events.metrics import FurtherMetrics
from gateway.configuration import Configuration
from gateway.counts import rendered
from onehost.backups.standing import standing
from onehost.doctor.checks import clock_is_kept
from onehost.kept_counts import HTTP_FILES, LOG_FILES, SMTP_FILES, counts_of_all
from onehost.serving import failing

_LEVELS = ("warning", "error")
_ANSWERS = ("2xx", "3xx", "4xx", "5xx")


class HostMetrics(FurtherMetrics):
    """Looks at each request; where there is no state folder, only at what needs none."""

    def __init__(self, state: str, configuration: Configuration) -> None:
        self._state = Path(state).absolute() if state else None
        self._run = self._state / RUN if self._state else None
        self._pair = configuration.tls_certificate, configuration.tls_key

    def text(self) -> str:
        """Prometheus' text format."""
        parts = (
            *self._log(),
            *self._answers(),
            *self._webhooks(),
            *self._clock(),
            *self._ends(),
            *self._folder(),
        )
        smtp = rendered(counts_of_all(self._run, SMTP_FILES))
        return smtp + "".join(line for part in parts for line in part)

    def _log(self) -> Iterator[Iterator[str]]:
        counted = counts_of_all(self._run, LOG_FILES)
        lines = {f'level="{level}"': float(counted[level]) for level in _LEVELS}
        letters = {"": float(counted["dead_letters"])}
        yield metric("log_lines_total", "counter", "Of the log, by level.", lines)
        yield metric("dead_letters_total", "counter", "That were held.", letters)
        silent = {"": float(len(failing(self._run)))}
        yield metric("processes_failing", "gauge", "Processes that do not serve.", silent)

    def _answers(self) -> Iterator[Iterator[str]]:
        counted = counts_of_all(self._run, HTTP_FILES)
        answers = {f'status="{status}"': float(counted[status]) for status in _ANSWERS}
        yield metric("http_answers_total", "counter", "By HTTP, by status.", answers)

    def _clock(self) -> Iterator[Iterator[str]]:
        kept = clock_is_kept()
        now = {"": bootstrap.posthorn()[Clock].now()}
        yield metric("clock_timestamp_seconds", "gauge", "What this host takes for now.", now)
        told: Samples = {} if kept is None else {"": float(kept)}
        yield metric("clock_kept", "gauge", "Whether something keeps the clock right.", told)

    def _webhooks(self) -> Iterator[Iterator[str]]:
        waited = {"": bootstrap.posthorn()[SqliteWebhookLanes].waited()} if self._state else {}
        text = "How long events are due for receivers that are not slow."
        yield metric("webhooks_oldest_seconds", "gauge", text, waited)

    def _ends(self) -> Iterator[Iterator[str]]:
        # Loaded by the one process that is asked.
        from onehost.doctor.certificate import end_of

        if self._pair[0]:
            end = {"": end_of(*self._pair)}
            text = "The end of the certificate, 0 if it cannot be used with its key."
            yield metric("certificate_not_after_timestamp_seconds", "gauge", text, end)

    def _folder(self) -> Iterator[Iterator[str]]:
        if self._state is None:
            return
        yield from self._backups(self._state)
        try:
            room = room_at(self._state)
        except OSError:
            return
        for name, size, said in (
            ("free", room.free, "Free on the disk of the state folder."),
            ("size", room.total, "The disk of the state folder."),
            ("least", room.least, "With less that is free no mail is taken."),
        ):
            yield metric(f"disk_{name}_bytes", "gauge", said, {"": float(size)})

    def _backups(self, state: Path) -> Iterator[Iterator[str]]:
        found = standing(state)
        text = "When the last good backup began, 0 without one."
        yield metric("backup_timestamp_seconds", "gauge", text, {"": found.last})
        if found.notes.tried_at:
            proven = {"": found.notes.proven_at}
            text = "When a backup was last proven by restoring it, 0 for never."
            yield metric("backup_proven_timestamp_seconds", "gauge", text, proven)
        if found.notes.hooked_at:
            failed = {"": float(bool(found.notes.hook_failure))}
            text = "Whether the last hook could not take a backup off the host."
            yield metric("backup_hook_failed", "gauge", text, failed)
