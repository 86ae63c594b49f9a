"""The zip: the same bytes for the same input, within Lambda's limits, and importable with nothing around it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from functools import partial
from pathlib import Path

import pytest

from infra import archive, coldstart
from infra import package as packaging
from infra.archive import NotPackaged
from infra.package import Package, functions_of
from tests.deploy.installation import PackageOf

pytestmark = pytest.mark.slow


def test_packing_twice_gives_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "source"
    for name in packaging.APP:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        if (archive.ROOT / name).is_dir():
            shutil.copytree(archive.ROOT / name, source / name, symlinks=True)
        else:
            shutil.copy(archive.ROOT / name, source / name)
    monkeypatch.setattr(packaging, "ROOT", source)
    first = packaging.build(folder=tmp_path / "first")
    for path in source.rglob("*.py"):
        os.utime(path, (0, 0))
    second = packaging.build(folder=tmp_path / "second")
    assert second.archive.digest == first.archive.digest
    assert second.template == first.template
    sweep = source / "functions" / "sweep.py"
    sweep.write_text(sweep.read_text() + "\n")
    assert packaging.build(folder=tmp_path / "third").archive.digest != first.archive.digest


def test_the_zip_holds_the_app_and_its_pinned_dependencies_and_no_more(package: Package) -> None:
    with zipfile.ZipFile(package.archive.path) as zipped:
        names = zipped.namelist()
        dates = {entry.date_time for entry in zipped.infolist()}
    assert names == sorted(names)
    assert dates == {archive.DATE}
    tops = {name.partition("/")[0] for name in names}
    assert {"app.py", "chalice", "chalicelib", "functions", "botocore", "cryptography"} <= tops
    assert not {"boto3", "s3transfer", "tests", "infra", "smtp-gateway", "bin"} & tops
    services = {
        name.split("/")[2]
        for name in names
        if name.startswith("botocore/data/") and name.count("/") > 2
    }
    assert services == set(archive.SERVICES)
    assert package.archive.size < archive.LARGEST_ZIP


def test_bytecode_is_checked_by_hash_not_by_date(package: Package) -> None:
    with zipfile.ZipFile(package.archive.path) as zipped:
        compiled = [name for name in zipped.namelist() if name.endswith(".pyc")]
        flags = {zipped.read(name)[4:8] for name in compiled}
    assert any(name.startswith("functions/__pycache__/deliver") for name in compiled)
    assert flags == {b"\x03\0\0\0"}  # PEP 552: hash-based, to be checked


def test_every_handler_imports_from_the_zip_alone(package: Package) -> None:
    starts = [start.handler for start in packaging.check(package, runs=1)]
    assert starts == [
        "functions.api.app",
        "functions.deadletters.deadletters",
        "functions.deliver.deliver",
        "functions.incoming.incoming",
        "functions.index.index",
        "functions.jobs.jobs",
        "functions.jobs.jobs_woken",
        "functions.outbox.outbox",
        "functions.sweep.sweep",
        "functions.tracking.tracking",
        "functions.upkeep.upkeep",
        "functions.view.view",
        "functions.webhooks.webhooks",
        "functions.webhooks.webhooks_slow",
    ]
    assert coldstart.BUDGETS.keys() < set(starts)
    assert coldstart.BUDGETS["functions.tracking.tracking"] == 100


def test_handlers_of_a_budget_load_nothing_that_is_slow_to_load(
    package: Package, tmp_path: Path
) -> None:
    """What a budget is spent on. Milliseconds depend on the machine, and on what else it does; this does not."""
    with zipfile.ZipFile(package.archive.path) as zipped:
        zipped.extractall(tmp_path)
    program = """
import importlib, json, sys
sys.path.insert(0, sys.argv[1])
importlib.import_module(sys.argv[2].rpartition(".")[0])
ours = [m for m in list(sys.modules.values()) if (getattr(m, "__file__", None) or "").startswith(sys.argv[1])]
print(json.dumps(sorted({m.__name__.partition(".")[0] for m in ours})))
"""
    for handler in coldstart.BUDGETS:
        command = [sys.executable, "-I", "-S", "-B", "-c", program, str(tmp_path), handler]
        done = subprocess.run(command, capture_output=True, check=True)
        assert json.loads(done.stdout) == ["chalice", "chalicelib", "functions"], handler


def test_a_handler_over_its_budget_is_no_package(
    package: Package, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    slow = coldstart.ColdStart("functions.tracking.tracking", 200, 101)
    quick = coldstart.ColdStart("functions.sweep.sweep", 200, 101)
    assert coldstart.over_budget(
        [slow, quick, coldstart.ColdStart("functions.api.app", 9e9, 9e9)]
    ) == [slow]
    monkeypatch.setattr(packaging, "build", lambda *_: package)
    monkeypatch.setattr(packaging, "check", lambda _: [quick, slow])
    assert packaging.main([]) == 1
    assert "takes 101 ms to import, more than its 100 ms" in capsys.readouterr().err


def test_every_pool_is_a_function_of_its_own_with_the_same_handler(package_of: PackageOf) -> None:
    made = package_of("default", "bulk")
    handlers = {
        name: one["Properties"]["Handler"]
        for name, one in made.template["Resources"].items()
        if one in functions_of(made.template)
    }
    assert handlers["DeliverDefault"] == handlers["DeliverBulk"] == "functions.deliver.deliver"
    bulk = made.template["Resources"]["DeliverBulk"]["Properties"]
    source = bulk["Events"]["DeliverBulkSqsEventSource"]["Properties"]
    assert source["Queue"] == {"Ref": "DeliverBulkArn"}
    assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert bulk["Role"] == {"Fn::GetAtt": ["DeliverBulkRole", "Arn"]}


def test_a_handler_that_does_not_import_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("import nothing_of_this_name\n")
    with pytest.raises(NotPackaged, match=r"broken\.handler .*nothing_of_this_name"):
        coldstart.measure(tmp_path, ["broken.handler"], runs=1)


def test_a_zip_that_lambda_would_refuse_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.py").write_text("x = 1\n")
    monkeypatch.setattr(archive, "LARGEST_ZIP", 10)
    with pytest.raises(NotPackaged, match="Lambda takes 10"):
        archive.pack([tmp_path / "in"], tmp_path / "out.zip")


def test_make_package_prints_sizes_and_import_times(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(packaging, "check", partial(packaging.check, runs=1))
    monkeypatch.setattr(coldstart, "BUDGETS", {})  # of a machine that has nothing else to do
    assert packaging.main(["--out", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "cryptography" in said
    assert "functions.deliver.deliver" in said
    assert packaging.main(["--pools", "Bulk"]) == 1
    assert capsys.readouterr().err.startswith("posthorn: 'Bulk' is no name for a pool")
