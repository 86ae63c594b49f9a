"""What one host tells of itself: its disk, certificate, clock, backups, processes and log, as they are then."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

import pytest
from cryptography import x509

from chalicelib import bootstrap
from chalicelib.api.http import HttpAnswer, HttpRequest
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.webhooks.lane import LaneJob
from chalicelib.ports.clock import Clock
from chalicelib.ports.webhook_lanes import WebhookLanes
from gateway.configuration import Configuration
from onehost import host_metrics
from onehost.host_metrics import HostMetrics
from onehost.kept_counts import HTTP_FILES, LOG_FILES, AnswerCounts, KeptCounts
from onehost.serving import tell_failing
from onehost.web.application import Web
from tests.certificates import new_pair
from tests.integration.cli.conftest import Run
from tests.integration.onehost.conftest import WebTenant
from tests.web_client import serving_web


def told(tenant: WebTenant, certificate: str = "", state: str | None = None) -> dict[str, float]:
    """Metrics without labels by their names, and the others with them."""
    bootstrap.use(tenant.posthorn)
    folder = tenant.posthorn.settings.state_folder if state is None else state
    metrics = HostMetrics(folder, Configuration(tls_certificate=certificate, tls_key=certificate))
    try:
        lines = [line for line in metrics.text().splitlines() if line[0] != "#"]
    finally:
        bootstrap.use(None)
    return {
        name.removeprefix("posthorn_"): float(value)
        for name, value in (line.rsplit(" ", 1) for line in lines)
    }


def test_the_disk_of_the_state_folder(unserved: WebTenant) -> None:
    found = told(unserved)
    disk = os.statvfs(unserved.posthorn.settings.state_folder)
    assert found["disk_size_bytes"] == disk.f_blocks * disk.f_frsize
    assert 0 < found["disk_free_bytes"] <= found["disk_size_bytes"]
    assert found["disk_least_bytes"] <= 1 << 30


def test_the_end_of_the_certificate(unserved: WebTenant, tmp_path: Path) -> None:
    pair, file = new_pair(), tmp_path / "both.pem"
    file.write_bytes(pair.certificate + pair.key)
    end = x509.load_pem_x509_certificate(pair.certificate).not_valid_after_utc.timestamp()
    name = "certificate_not_after_timestamp_seconds"
    assert told(unserved, str(file))[name] == end
    os.mkfifo(tmp_path / "pipe.pem")  # nobody waits for who writes
    assert told(unserved, str(tmp_path / "pipe.pem"))[name] == 0
    for useless in (b"none", pair.certificate, pair.certificate + new_pair().key):
        file.write_bytes(useless)
        assert told(unserved, str(file))[name] == 0
    assert told(unserved, str(tmp_path / "absent"))[name] == 0
    assert name not in told(unserved)


def test_the_clock(unserved: WebTenant, monkeypatch: pytest.MonkeyPatch) -> None:
    before = unserved.posthorn[Clock].now()
    assert before - 1 < told(unserved)["clock_timestamp_seconds"] < before + 60
    for kept, expected in ((True, 1.0), (False, 0.0), (None, None)):
        monkeypatch.setattr(host_metrics, "clock_is_kept", lambda kept=kept: kept)
        assert told(unserved).get("clock_kept") == expected


def test_a_backup_that_came_to_its_end_is_noted(
    unserved: WebTenant, posthorn: Run, tmp_path: Path
) -> None:
    state = Path(unserved.posthorn.settings.state_folder)
    assert told(unserved)["backup_timestamp_seconds"] == 0
    assert posthorn("backup", str(state / "inside"), "--state", str(state)).code == 1
    assert told(unserved)["backup_timestamp_seconds"] == 0
    made = posthorn("--json", "backup", str(tmp_path / "backup"), "--state", str(state))
    assert made.code == 0, made
    manifest = json.loads((tmp_path / "backup" / "manifest.json").read_text())
    noted = told(unserved)["backup_timestamp_seconds"]
    assert noted == pytest.approx(manifest["began_at"], abs=0.001)
    (state / "backed-up").write_text('{"began_at": "never"}')
    assert told(unserved)["backup_timestamp_seconds"] == 0


def test_processes_and_their_logs(unserved: WebTenant) -> None:
    run = Path(unserved.posthorn.settings.state_folder) / "run"
    assert told(unserved)["processes_failing"] == 0
    tell_failing(run, [1, 3])
    for number in (0, 1):
        counts = Counter({"warning": 2, "error": 1, "dead_letters": number})
        KeptCounts(run, number, counts, LOG_FILES).keep()
    found = told(unserved)
    assert found["processes_failing"] == 2
    assert found['log_lines_total{level="warning"}'] == 4
    assert found['log_lines_total{level="error"}'] == 2
    assert found["dead_letters_total"] == 1


def test_answers_by_http(unserved: WebTenant) -> None:
    async def first(request: HttpRequest) -> HttpAnswer | None:
        if request.path == "/broken":
            raise ValueError("nobody foresaw it")
        return HttpAnswer(503, "", {}) if request.path == "/away" else None

    with serving_web(Web(unserved.posthorn, first=first)) as unserved.port:
        assert unserved.v2("GET", "/emails").status == 200
        assert unserved.call("GET", "/nothing").status == 404
        assert unserved.call("GET", "/away").status == 503
        assert unserved.call("GET", "/broken").status == 500
    run = Path(unserved.posthorn.settings.state_folder) / "run"
    for number in (0, 1):
        KeptCounts(run, number, Counter(unserved.posthorn[AnswerCounts].numbers), HTTP_FILES).keep()
    found = {name: count for name, count in told(unserved).items() if name.startswith("http_")}
    assert found == {
        f'http_answers_total{{status="{status}"}}': count
        for status, count in (("2xx", 2), ("3xx", 0), ("4xx", 2), ("5xx", 4))
    }


async def test_how_long_webhooks_wait(unserved: WebTenant) -> None:
    assert told(unserved)["webhooks_oldest_seconds"] == 0
    lanes = unserved.posthorn[WebhookLanes]
    await lanes.wake([LaneJob(ServerId(1), "one")])
    first = told(unserved)["webhooks_oldest_seconds"]
    assert 0 <= first < 60
    await lanes.wake([LaneJob(ServerId(1), "two")])
    assert told(unserved)["webhooks_oldest_seconds"] >= first


def test_without_a_state_folder_only_what_needs_none_is_told(unserved: WebTenant) -> None:
    found = told(unserved, state="")
    assert "clock_timestamp_seconds" in found
    assert not [name for name in found if name.startswith(("disk", "backup", "webhooks"))]
