"""The alert rules and the board of one host: each rule is played by promtool, has its paragraph, and asks, as the board
does, only for metrics that a server really answers; each of these is documented.
"""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from chalicelib.domain.tenancy.sources import SOURCES, EgressSource
from chalicelib.ports.repository import Repository
from tests.alert_cases import CASES
from tests.certificates import PairFiles, new_pair
from tests.dns_zone import DnsZone
from tests.loopback import free_port
from tests.one_host import OneHost
from tests.patience import PATIENCE
from tests.peers import SmtpPeer

ROOT = Path(__file__).resolve().parents[3]
PLACE = ROOT / "infra" / "prometheus"
RULES, BOARD = PLACE / "posthorn.rules.yml", PLACE / "posthorn.dashboard.json"
_NAME = re.compile(r"\bposthorn_[a-z_]+\b")
_OF_HISTOGRAMS = re.compile(r"(?<=_delivery_seconds)_(?:bucket|sum|count)$")
# What a test's host has not: a scanner; and what its kernel may not say.
ELSEWHERE = {"posthorn_scan_seconds", "posthorn_clock_kept"}

needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool is absent (Debian: prometheus)"
)


def rules() -> dict[str, str]:
    """The expression of each alert."""
    (group,) = yaml.safe_load(RULES.read_text())["groups"]
    return {one["alert"]: one["expr"] for one in group["rules"]}


def board() -> list[str]:
    """The queries of the board."""
    return [
        target["expr"]
        for panel in json.loads(BOARD.read_text())["panels"]
        for target in panel["targets"]
    ]


def documented() -> set[str]:
    """The metrics of the tables in docs/operations.md."""
    text = (ROOT / "docs" / "operations.md").read_text()
    rows = [line.split(" | ")[0] for line in text.splitlines() if line.startswith("| `posthorn_")]
    return {name for row in rows for name in _NAME.findall(row)}


def promtool(*arguments: str, text: str = "") -> str:
    """What it says; the test fails with it."""
    ended = subprocess.run(
        ["promtool", *arguments],
        input=text,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout + ended.stderr


@pytest.fixture(scope="module")
def answered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The metrics of a server that has delivered a message and refused a stranger."""
    folder, port = tmp_path_factory.mktemp("host"), free_port()
    pair = PairFiles(folder)
    pair.replace(new_pair())
    named = {"TLS_CERTIFICATE": pair.certificate, "TLS_KEY": pair.key, "HEALTH_PORT": port}
    named["OWN_DNSBLS"] = "bl.test"
    with DnsZone() as zone, SmtpPeer().in_thread() as peer:
        zone.mx("example.com", (10, "mx.example.com"))
        zone.a("mx.example.com", "127.0.0.1")
        zone.fail("away.example", "SERVFAIL")
        host = OneHost(folder, zone, peer, **named)
        source = EgressSource("out", address="127.0.0.1")
        asyncio.run(host.program[Repository].add(SOURCES, source))
        with host:

            def metrics() -> str:
                address = f"http://127.0.0.1:{port}/metrics"
                with urllib.request.urlopen(address, timeout=PATIENCE) as answer:
                    text: str = answer.read().decode()
                return text

            host.until(lambda: "posthorn serves" in host.log.read_text())
            host.send("john@example.com")
            peer.wait_for_mails(1)
            host.send("john@away.example")  # waits in the queue for its next attempt
            with host.client() as client:
                client.ehlo()
                assert client.docmd("AUTH", "PLAIN AHgAeA==")[0] == 535
            back_up(host, folder / "backups")
            host.until(lambda: 'log_lines_total{level="warning"} 1' in metrics())
            host.until(lambda: 'queue_messages{pool="default"} 1' in metrics())
            yield metrics()


def back_up(host: OneHost, folder: Path) -> None:
    """As the timer does, with a hook."""
    folder.mkdir(mode=0o700)
    named = {"POSTHORN_BACKUP_FOLDER": str(folder), "POSTHORN_BACKUP_HOOK": "/bin/true"}
    done = subprocess.run(
        [sys.executable, "-m", "onehost", "backups", "run"],
        env=host.environment | named,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def names_in(answer: str) -> Counter[str]:
    return Counter(line.split()[2] for line in answer.splitlines() if line.startswith("# TYPE"))


@needs_promtool
def test_each_rule_rings_when_it_should_and_only_then(tmp_path: Path) -> None:
    promtool("check", "rules", str(RULES))
    play = {
        "rule_files": [str(RULES)],
        "evaluation_interval": "1m",
        "tests": [one.as_test() for one in CASES],
    }
    file = tmp_path / "play.yml"
    file.write_text(json.dumps(play))
    promtool("test", "rules", str(file))


@needs_promtool
def test_a_wrong_play_fails(tmp_path: Path) -> None:
    one = next(case for case in CASES if case.summary).as_test()
    one["alert_rule_test"][0]["exp_alerts"] = []
    file = tmp_path / "play.yml"
    file.write_text(json.dumps({"rule_files": [str(RULES)], "tests": [one]}))
    with pytest.raises(AssertionError, match="FAILED"):
        promtool("test", "rules", str(file))


def test_each_rule_is_played_both_ways_and_has_its_paragraph() -> None:
    assert {one.alert for one in CASES if one.summary} == set(rules())
    assert {one.alert for one in CASES if not one.summary} == set(rules())
    text = (ROOT / "docs" / "operations.md").read_text()
    part = text.partition("## Alerts of one host\n")[2].partition("\n## ")[0]
    paragraphs = dict(re.findall(r"^### (Posthorn\w+)\n\n(\S.+)", part, re.MULTILINE))
    assert list(paragraphs) == list(rules())


def test_rules_and_board_ask_for_what_a_server_answers(answered: str) -> None:
    there = set(names_in(answered)) | ELSEWHERE
    for query in (*rules().values(), *board()):
        asked = {_OF_HISTOGRAMS.sub("", name) for name in _NAME.findall(query)}
        assert asked <= there, query
    assert len(board()) > 20


def test_every_metric_is_told_once_and_documented(answered: str) -> None:
    told = names_in(answered)
    assert max(told.values()) == 1
    assert set(told) | ELSEWHERE == documented()


@needs_promtool
def test_promtool_takes_what_is_answered(answered: str) -> None:
    promtool("check", "metrics", text=answered)


@needs_promtool
def test_prometheus_takes_the_configuration_of_the_docs(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "operations.md").read_text()
    (example,) = re.findall(r"```yaml\n(rule_files.+?)```", text, re.DOTALL)
    shutil.copy(RULES, tmp_path)
    near, _, elsewhere = example.partition("    static_configs")
    words = (
        elsewhere.partition("name:\n")[2].replace("  # ", "    ").replace("/etc/prometheus", ".")
    )
    (tmp_path / "posthorn.key").write_text("phm_key")
    for name, one in (("here", example), ("elsewhere", near + words)):
        file = tmp_path / f"{name}.yml"
        file.write_text(one)
        assert "1 rule files found" in promtool("check", "config", str(file))


def test_panels_of_the_board_lie_side_by_side() -> None:
    taken: set[tuple[int, int]] = set()
    found = json.loads(BOARD.read_text())
    for panel in found["panels"]:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert max(x for x, _ in cells) < 24
        assert not cells & taken, panel["title"]
        taken |= cells
    assert len({panel["id"] for panel in found["panels"]}) == len(found["panels"])
