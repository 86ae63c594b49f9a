"""Every template passes cfn-lint, agrees with the settings, and says of each pool what it says of the default one."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from chalicelib import bootstrap
from chalicelib.config import Settings
from chalicelib.services.queue.batch import LAST_SETTLE_SECONDS, QUEUE_SECONDS
from functions.queue_batch import on_batch
from functions.runtime import NOBODY_COUNTS
from gateway.egress_proxy import SHUTDOWN_SECONDS
from infra.local.invocation import TIMEOUT_SECONDS
from infra.order import Egress, Order
from infra.package import Package
from infra.plan import templates_of
from infra.stack import time_parameters
from infra.targets import Target
from infra.templates import (
    Template,
    for_addresses,
    for_pools,
    load,
    read_pools,
    render,
    with_numbers,
)
from tests.deploy.installation import PackageOf

ROOT = Path(__file__).resolve().parents[2]
FILES = ("data.yaml", "network.yaml", "nat.yaml", "egress.yaml", "tracking.yaml", "gateway.yaml")
POOLS = ("default", "bulk")


def lint(templates: Mapping[str, Template], folder: Path) -> str:
    """What cfn-lint says of the templates, each in a file of its name; all at once, because it starts slowly."""
    for name, template in templates.items():
        (folder / name).with_suffix(".json").write_text(render(template))
    program = Path(sys.executable).with_name("cfn-lint")
    done = subprocess.run(
        [program, "--regions", "us-east-1", "--", *sorted(folder.glob("*.json"))],
        capture_output=True,
        text=True,
        check=False,
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


def test_the_templates_pass_cfn_lint(tmp_path: Path) -> None:
    templates = {file: for_addresses(for_pools(load(file), POOLS), 2) for file in FILES}
    assert lint(templates, tmp_path) == ""


@pytest.mark.slow
def test_everything_at_once_passes_cfn_lint(package_of: PackageOf, tmp_path: Path) -> None:
    """Several pools, a gateway, and each way out: what one template names, another declares."""
    package = package_of("default", "bulk", "out")
    order = Order(
        Target("aws", "", "us-east-1"),
        "posthorn",
        package,
        ("default", "bulk", "out"),
        {"smtp_hostname": "mail.acme.test"},
        {
            "TrackDomainNames": "track.acme.test",
            "TrackCertificateArn": "arn:aws:acm:us-east-1:000000000000:certificate/x",
        },
        "registry.example/posthorn-gateway:1",
        {"nat-bulk": Egress(2), "egress-out": Egress(3, 2)},
    )
    templates = templates_of(order)
    assert len(templates) == 7
    assert lint(templates, tmp_path) == ""
    gateway = templates["gateway"]
    assert {"DeliverBulkArn", "DeliverOutArn"} <= gateway["Parameters"].keys()
    (sending,) = (one for one in statements(gateway, "GatewayRole") if one["Sid"] == "Queue")
    assert len(sending["Resource"]) == 4


@pytest.mark.slow
def test_the_functions_template_passes_cfn_lint(package: Package, tmp_path: Path) -> None:
    assert lint({"functions": package.template}, tmp_path) == ""


def test_the_name_of_each_function_is_told() -> None:
    """By the outputs come the names that `make deploy` prints and the logs are found under."""
    template = load("functions.merge.yaml")
    named = {
        name
        for name, one in template["Resources"].items()
        if {"FunctionName", "Role"} <= one.get("Properties", {}).keys()
    }
    told = {
        output["Value"]["Ref"]
        for name, output in template["Outputs"].items()
        if name.endswith("Function")
    }
    assert named
    assert named <= told


def test_queues_are_named_as_the_settings_name_them() -> None:
    settings, resources = Settings(), for_pools(load("data.yaml"), POOLS)["Resources"]
    names = {
        one["Properties"]["QueueName"]["Fn::Sub"].replace("${Prefix}", "posthorn")
        for one in resources.values()
        if one["Type"] == "AWS::SQS::Queue"
    }
    prefix = settings.queue_prefix
    pools = {f"{prefix}deliver-default", f"{prefix}deliver-bulk"}
    others = {
        f"{prefix}{name}" for name in ("dead", "incoming", "jobs", "webhooks", "webhooks-slow")
    }
    assert names == pools | others


def test_time_limits_fit_into_each_other() -> None:
    """Deadline + settling < lease = function < visibility: a wake-up comes back only when its worker is surely gone.
    Whatever stops a worker, or what carries its connections, lets it end first."""
    settings = Settings()
    data, functions = load("data.yaml")["Resources"], load("functions.merge.yaml")["Resources"]
    for name in ("DeliverDefault", "Incoming"):
        assert functions[name]["Properties"]["Timeout"] == {"Ref": "LeaseSeconds"}
        assert data[name]["Properties"]["VisibilityTimeout"] == {"Ref": "VisibilitySeconds"}
    deliver = load("functions.merge.yaml")["Parameters"]["LeaseSeconds"]["Default"]
    visibility = load("data.yaml")["Parameters"]["VisibilitySeconds"]["Default"]
    assert time_parameters(settings) == {
        "LeaseSeconds": str(deliver),
        "VisibilitySeconds": str(visibility),
    }
    assert settings.deadline_seconds + settings.settle_seconds < settings.lease_seconds
    assert settings.deadline_seconds + LAST_SETTLE_SECONDS < deliver <= 900  # what Lambda allows
    assert QUEUE_SECONDS < LAST_SETTLE_SECONDS <= settings.settle_seconds
    assert settings.lease_seconds == deliver < visibility == settings.visibility_seconds
    assert deliver == TIMEOUT_SECONDS < NOBODY_COUNTS
    dead = data["DeadLetters"]["Properties"]["VisibilityTimeout"]
    assert functions["Deadletters"]["Properties"]["Timeout"] * 6 <= dead
    assert functions["APIHandler"]["Properties"]["Timeout"] <= 29  # API Gateway's own limit


def test_an_egress_host_that_is_stopped_lets_attempts_end() -> None:
    text = (ROOT / "infra" / "egress.yaml").read_text()
    container, service = (
        int(found[1])
        for found in (
            re.search(r"--stop-timeout (\d+)", text),
            re.search(r"TimeoutStopSec=(\d+)", text),
        )
        if found is not None
    )
    assert Settings().deadline_seconds <= SHUTDOWN_SECONDS < container < service


def test_the_pages_say_the_times_that_are_in_force() -> None:
    """Crash rule 8 and what follows from it, in the words of the documentation."""
    settings = Settings()
    architecture = (ROOT / "docs" / "architecture.md").read_text()
    rule = next(line for line in architecture.splitlines() if line.startswith("| 8 |"))
    assert [int(number) for number in re.findall(r"(\d+) s\b", rule)] == [
        settings.deadline_seconds,
        settings.settle_seconds,
        settings.lease_seconds,
        settings.visibility_seconds,
    ]
    assert f"takes a lease of {settings.lease_seconds} s" in architecture
    assert f"comes back at {settings.visibility_seconds} s" in architecture


def test_a_further_pool_is_the_default_pool_under_another_name() -> None:
    data = for_pools(load("data.yaml"), POOLS)
    default, bulk = (data["Resources"][f"Deliver{pool}"] for pool in ("Default", "Bulk"))
    assert json.dumps(bulk) == json.dumps(default).replace("-default", "-bulk")
    merge = for_pools(load("functions.merge.yaml"), POOLS)
    for name in [name for name in merge["Resources"] if "DeliverDefault" in name]:
        assert name.replace("Default", "Bulk") in merge["Resources"]
    sending = [
        statement["Resource"]
        for role in ("ApiRole", "SweepRole")
        for statement in statements(merge, role)
        if statement["Sid"] == "Queue"
    ]
    queues = ("DeliverDefaultArn", "DeliverBulkArn", "IncomingArn")
    assert sending == [[{"Ref": name} for name in queues]] * 2
    assert for_pools(load("data.yaml"), ("default",)) == load("data.yaml")


def statements(template: dict[str, Any], role: str) -> list[dict[str, Any]]:
    (policy,) = template["Resources"][role]["Properties"]["Policies"]
    found: list[dict[str, Any]] = policy["PolicyDocument"]["Statement"]
    return found


@pytest.mark.parametrize("text", ["bulk", "default Bulk", "default bulk-mail", "default 1st", ""])
def test_pools_that_cannot_be_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="pool"):
        read_pools(text)


def test_numbers_reach_the_template_as_numbers() -> None:
    template = with_numbers(load("data.yaml"), {"VisibilitySeconds": "900"})
    queue = template["Resources"]["DeliverDefault"]["Properties"]
    assert queue["VisibilityTimeout"] == 900
    assert '{"Ref":"VisibilitySeconds"}' not in render(template)
    for wrong in ("43201", "many", ""):
        with pytest.raises(ValueError, match="VisibilitySeconds"):
            with_numbers(load("data.yaml"), {"VisibilitySeconds": wrong})


def test_nothing_removes_the_content_of_mail_that_waits() -> None:
    """No rule of the bucket reaches `r/`: mail may be scheduled for a year ahead. Uploads and exports have rules."""
    bucket = load("data.yaml")["Resources"]["MailBucket"]["Properties"]
    expiring = [
        one for one in bucket["LifecycleConfiguration"]["Rules"] if "ExpirationInDays" in one
    ]
    assert [one["Prefix"] for one in expiring] == ["u/", "x/"]


def alarms() -> dict[str, Any]:
    """The properties of every alarm of every template, by its name without the prefix."""
    found = [
        one["Properties"]
        for file in (*FILES, "functions.merge.yaml")
        for one in load(file)["Resources"].values()
        if one.get("Type") == "AWS::CloudWatch::Alarm"
    ]
    names = [one["AlarmName"]["Fn::Sub"].replace("${Pool}", "default") for one in found]
    return {name.removeprefix("${Prefix}-"): one for name, one in zip(names, found, strict=True)}


def test_every_alarm_tells_somebody_and_points_at_its_page() -> None:
    for name, one in alarms().items():
        assert one["AlarmActions"] == [{"Ref": "AlarmTopic"}], name
        assert one["AlarmDescription"].endswith("(docs/operations.md)"), name


def test_every_alarm_has_a_section_that_says_what_to_do() -> None:
    page = (ROOT / "docs" / "operations.md").read_text()
    section = page.partition("\n## Alarms\n")[2].partition("\n## ")[0]
    headings = re.findall(r"^### (.+)$", section, re.MULTILINE)
    named = [name for heading in headings for name in heading.split(", ")]
    assert sorted(named) == sorted(alarms())


def test_errors_in_the_log_of_every_function_are_counted() -> None:
    resources = load("functions.merge.yaml")["Resources"]
    kinds = {name: one.get("Type") for name, one in resources.items()}
    watched = {
        one["Properties"]["LogGroupName"]["Ref"]
        for name, one in resources.items()
        if kinds[name] == "AWS::Logs::MetricFilter"
    }
    functions = {f"{name}Log" for name in resources if f"{name}Role" in resources}
    assert "JobsLog" in functions
    assert watched == functions | {"ApiLog"}


def test_what_the_alarm_on_the_log_looks_for_is_what_functions_write(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def broken(*_: object) -> Any:
        raise ZeroDivisionError

    bootstrap.use(bootstrap.in_memory())
    try:
        handler = on_batch("deliver", broken)
        handler(SimpleNamespace(context=None, to_dict=lambda: {"Records": []}))
    finally:
        bootstrap.use(None)
    line = json.loads(capsys.readouterr().out)
    patterns = {
        one["Properties"]["FilterPattern"]
        for one in load("functions.merge.yaml")["Resources"].values()
        if one.get("Type") == "AWS::Logs::MetricFilter"
        and one["Properties"]["MetricTransformations"][0]["MetricValue"] == "1"
    }
    assert patterns == {'{ ($.outcome = "error") || ($.level = "error") }'}
    assert line["outcome"] == "error"
