"""Series with which each alert rule rings, and others with which it does not, as `promtool test rules` plays them.

`at` is a time of the play, which begins at second 0 of the epoch; series have a sample a minute.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Series = Mapping[str, str]
DAY = 86_400


@dataclass(frozen=True, slots=True)
class Case:
    """One play of a rule: what rings at `at`, told by its summary; nothing where there is none."""

    alert: str
    series: Series
    at: str
    summary: str = ""
    severity: str = "warning"
    labels: Mapping[str, str] = field(default_factory=dict)

    def as_test(self) -> dict[str, Any]:
        """As promtool reads it."""
        labels = {"severity": self.severity, **self.labels}
        rung = [{"exp_labels": labels, "exp_annotations": {"summary": self.summary}}]
        return {
            "name": self.alert,
            "interval": "1m",
            "input_series": [
                {"series": name, "values": text} for name, text in self.series.items()
            ],
            "alert_rule_test": [
                {
                    "eval_time": self.at,
                    "alertname": self.alert,
                    "exp_alerts": rung if self.summary else [],
                }
            ],
        }


def _free(values: str) -> Series:
    return {
        "posthorn_disk_free_bytes": values,
        "posthorn_disk_size_bytes": f"{100 << 30}x2000",
        "posthorn_disk_least_bytes": f"{1 << 30}x2000",
    }


def _clock(name: str, values: str) -> Series:
    return {"posthorn_clock_timestamp_seconds": "0+60x2000", name: values}


_OLD, _DEAD, _LINES = (
    'posthorn_queue_oldest_seconds{pool="incoming"}',
    "posthorn_dead_letters",
    'posthorn_log_lines_total{level="error"}',
)
_END, _BACKUP = (
    "posthorn_certificate_not_after_timestamp_seconds",
    "posthorn_backup_timestamp_seconds",
)
_SOURCE_LISTED, _NOT_LISTED = (
    f'posthorn_source_listed{{list="{name}",pool="default",source="out"}}'
    for name in ("bl.test", "other.test")
)
_OF_SOURCE, _OF_BACKUPS = (
    f'posthorn_check_status{{check="{name}"}}' for name in ("source:default/out", "backups")
)
_NO_ANSWER, _PAGE = "Posthorn does not answer at its health port", "page"
_FULL = "The disk is full, and no mail is taken"
_BAD_CLOCK = "The clock is not that of Prometheus, or nothing keeps it right"

CASES = (
    Case(
        "PosthornDown",
        {'up{job="posthorn"}': "1x5 0x10"},
        "12m",
        _NO_ANSWER,
        _PAGE,
        {"job": "posthorn"},
    ),
    Case("PosthornDown", {'up{job="other"}': "1x10"}, "6m", _NO_ANSWER, _PAGE, {"job": "posthorn"}),
    Case("PosthornDown", {'up{job="posthorn"}': "1x5 0x3 1x5"}, "10m"),
    Case(
        "PosthornProcessDown",
        {"posthorn_processes_failing": "2x10"},
        "6m",
        "2 of the processes do not serve",
        _PAGE,
    ),
    Case("PosthornProcessDown", {"posthorn_processes_failing": "1x3 0x10"}, "8m"),
    Case(
        "PosthornQueueOld",
        {_OLD: "1200+60x40"},
        "25m",
        "Mail of the pool incoming has been due for 45m 0s",
        _PAGE,
        {"pool": "incoming"},
    ),
    Case("PosthornQueueOld", {_OLD: "1700x40"}, "30m"),
    Case(
        "PosthornWebhooksOld",
        {"posthorn_webhooks_oldest_seconds": "960x30"},
        "15m",
        "Webhooks have been due for 16m 0s",
    ),
    Case("PosthornWebhooksOld", {"posthorn_webhooks_oldest_seconds": "960x5 0x30"}, "15m"),
    Case(
        "PosthornDeadLettersArrive",
        {"posthorn_dead_letters_total": "3x10 4x10"},
        "12m",
        "Messages that failed again and again are held now",
    ),
    Case("PosthornDeadLettersArrive", {"posthorn_dead_letters_total": "3x10 4x40"}, "40m"),
    Case("PosthornDeadLettersArrive", {"posthorn_dead_letters_total": "7x30"}, "20m"),
    Case(
        "PosthornDeadLettersStay", {_DEAD: "3x30"}, "16m", "3 dead letters could not be held", _PAGE
    ),
    Case("PosthornDeadLettersStay", {_DEAD: "3x10 0x30"}, "16m"),
    Case(
        "PosthornFeedBehind",
        {"posthorn_outbox_lag_seconds": "1200x30"},
        "12m",
        "Statistics, webhooks and the audit log are 20m 0s behind",
    ),
    Case("PosthornFeedBehind", {"posthorn_outbox_lag_seconds": "800x30"}, "20m"),
    Case(
        "PosthornErrors",
        {_LINES: "0x10 1x10"},
        "12m",
        "The log has errors that nobody foresaw",
        labels={"level": "error"},
    ),
    Case(
        "PosthornErrors",
        {_LINES: "5x30", 'posthorn_log_lines_total{level="warning"}': "0+1x30"},
        "20m",
    ),
    Case(
        "PosthornAnswersFail",
        {
            'posthorn_http_answers_total{status="5xx"}': "0x10 0+3x10",
            'posthorn_http_answers_total{status="2xx"}': "0+9x30",
        },
        "14m",
        "HTTP requests are answered with 5xx",
        _PAGE,
    ),
    Case(
        "PosthornAnswersFail",
        {
            'posthorn_http_answers_total{status="5xx"}': "0+1x30",
            'posthorn_http_answers_total{status="4xx"}': "0+90x30",
        },
        "14m",
    ),
    Case(
        "PosthornJobsOld",
        {"posthorn_jobs_oldest_seconds": "90000x30"},
        "12m",
        "A job was asked for 1d 1h 0m 0s ago and is not over",
    ),
    Case("PosthornJobsOld", {"posthorn_jobs_oldest_seconds": "80000x30"}, "20m"),
    Case(
        "PosthornScannerAway",
        {'posthorn_scan_seconds{scanner="spamd"}': " ".join(["Inf"] * 15)},
        "12m",
        "The scanner spamd does not answer",
        labels={"scanner": "spamd"},
    ),
    Case("PosthornScannerAway", {'posthorn_scan_seconds{scanner="spamd"}': "4.9x30"}, "20m"),
    Case(
        "PosthornSourceListed",
        {_SOURCE_LISTED: "0x5 1x20", _NOT_LISTED: "0x30"},
        "16m",
        "The source out of the pool default is listed by bl.test",
        labels={"pool": "default", "source": "out", "list": "bl.test"},
    ),
    Case("PosthornSourceListed", {_SOURCE_LISTED: "1x8 0x30", _NOT_LISTED: "0x40"}, "20m"),
    Case(
        "PosthornCheckFails",
        {_OF_SOURCE: "1x5 2x20", _OF_BACKUPS: "2x30"},
        "16m",
        "The check source:default/out fails",
        labels={"check": "source:default/out"},
    ),
    Case("PosthornCheckFails", {_OF_SOURCE: "2x8 0x30", _OF_BACKUPS: "2x40"}, "20m"),
    Case("PosthornDiskFull", _free(f"{1 << 29}x20"), "2m", _FULL, _PAGE),
    Case("PosthornDiskFull", _free(f"{2 << 30}x20"), "10m"),
    Case(
        "PosthornDiskFills",
        _free(f"{10 << 30}x200"),
        "70m",
        "The disk has 10GiB left, now or in a day",
    ),
    Case(
        "PosthornDiskFills",
        _free(f"{80 << 30}-{60 << 20}x700"),
        "7h",
        "The disk has 0B left, now or in a day",
    ),
    Case("PosthornDiskFills", _free(f"{80 << 30}-{1 << 20}x700"), "7h"),
    Case(
        "PosthornCertificateEnds",
        _clock(_END, f"{13 * DAY + 4_200}x200"),
        "70m",
        "The certificate of SMTP ends in 13d 0h 0m 0s, or cannot be used",
    ),
    Case(
        "PosthornCertificateEnds",
        _clock(_END, "0x200"),
        "70m",
        "The certificate of SMTP ends in -1h 10m 0s, or cannot be used",
    ),
    Case("PosthornCertificateEnds", _clock(_END, f"{20 * DAY}x200"), "70m"),
    Case("PosthornClockOff", {"posthorn_clock_timestamp_seconds": "7+60x30"}, "12m", _BAD_CLOCK),
    Case("PosthornClockOff", _clock("posthorn_clock_kept", "0x30"), "12m", _BAD_CLOCK),
    Case(
        "PosthornClockOff",
        {"posthorn_clock_timestamp_seconds": "-3+60x30", "posthorn_clock_kept": "1x30"},
        "12m",
    ),
    Case(
        "PosthornBackupOld",
        _clock(_BACKUP, "0x2000"),
        "28h",
        "The last good backup began 1d 4h 0m 0s ago",
    ),
    Case("PosthornBackupOld", _clock(_BACKUP, "0x1440 86400x600"), "28h"),
    Case(
        "PosthornBackupNotProven",
        {
            "posthorn_clock_timestamp_seconds": f"{9 * DAY}x100",
            "posthorn_backup_proven_timestamp_seconds": "0x100",
        },
        "70m",
        "A backup was last proven by restoring it 9d 0h 0m 0s ago",
    ),
    Case(
        "PosthornBackupNotProven",
        {
            "posthorn_clock_timestamp_seconds": f"{9 * DAY}x100",
            "posthorn_backup_proven_timestamp_seconds": f"{2 * DAY}x100",
        },
        "70m",
    ),
    Case(
        "PosthornBackupStays",
        {"posthorn_backup_hook_failed": "0x5 1x100"},
        "20m",
        "The last backup could not be taken off the host",
    ),
    Case("PosthornBackupStays", {"posthorn_backup_hook_failed": "1x5 0x100"}, "20m"),
)
