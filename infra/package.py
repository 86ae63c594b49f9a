"""`make package`: the zips of the functions and the template that deploys them, under `build/`.

Chalice says which functions there are and what of the app is packed; `infra/functions.merge.yaml` says everything else
about them, such as which of the two zips has their code; `infra/archive.py` makes those: one of all functions, and one
with what reads and writes the lake besides. `build()` is what `make deploy` calls. Promises that each handler imports
from its zip in a Python that has nothing else, unless that check is switched off.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from infra import archive, coldstart
from infra.archive import BUILD, MACHINES, ROOT, Archive, NotPackaged
from infra.downloads import with_downloads
from infra.gateway_responses import with_answers
from infra.templates import DEFAULT_POOL, Template, for_pools, load, read_pools, render

MERGE = "functions.merge.yaml"
STAGE = "posthorn"
APP = ("app.py", "chalicelib", "functions", "vendor", ".chalice/config.json")
LARGEST_SHOWN = 12
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Package:
    """What `build` made: the zips and the functions template, whose parameters still have to be filled in."""

    archive: Archive
    lake: Archive
    template: Template

    @property
    def archives(self) -> dict[str, Archive]:
        """The zips by the parameter that names them."""
        return {"CodeKey": self.archive, "LakeCodeKey": self.lake}

    def handlers(self, zipped: Archive) -> tuple[str, ...]:
        """Each different handler string of the functions that a zip is for, sorted."""
        found = [one["Properties"] for one in functions_of(self.template)]
        is_lake = zipped is self.lake
        return tuple(sorted({one["Handler"] for one in found if ("CodeUri" in one) == is_lake}))


def functions_of(template: Template) -> list[dict[str, Any]]:
    """The function resources of a template."""
    resources = template["Resources"].values()
    return [one for one in resources if one["Type"] == "AWS::Serverless::Function"]


def build(
    pools: Sequence[str] = (DEFAULT_POOL,), architecture: str = "x86_64", folder: Path = BUILD
) -> Package:
    """Make zip and template in `folder`; NotPackaged says why not."""
    dependencies = archive.dependencies(architecture)
    lake = archive.dependencies(architecture, archive.LAKE_REQUIREMENTS)
    with tempfile.TemporaryDirectory() as scratch:
        project, out = Path(scratch) / "project", Path(scratch) / "out"
        _copy_app(project, pools, architecture)
        template = _chalice(project, pools, out)
        app = Path(scratch) / "app"
        with zipfile.ZipFile(out / "deployment.zip") as packed:
            packed.extractall(app)
        if not (app / "functions").is_dir():
            raise NotPackaged("Chalice left functions/ out of the zip; is vendor/functions a link?")
        archive.compile_tree(app)
        made = _zip([app, dependencies], folder, "functions")
        with_lake = _zip([app, lake], folder, "lake")
    (folder / "functions.json").write_text(render(template))
    return Package(made, with_lake, template)


def _zip(roots: Sequence[Path], folder: Path, name: str) -> Archive:
    """The zip of these roots in the folder, named by its hash."""
    folder.mkdir(parents=True, exist_ok=True)
    made = archive.pack(roots, folder / f"{name}.zip")
    place = folder / f"{name}-{made.digest[:16]}.zip"
    shutil.move(made.path, place)
    return replace(made, path=place)


def _copy_app(project: Path, pools: Sequence[str], architecture: str) -> None:
    """A project of which Chalice packs the app alone; the dependencies are added afterwards."""
    ignore = shutil.ignore_patterns("__pycache__", "*.pyc")
    for name in APP:
        source, target = ROOT / name, project / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, symlinks=True, ignore=ignore)
        else:
            shutil.copy(source, target)
    (project / "requirements.txt").write_text("")
    path = project / ".chalice/config.json"
    config = json.loads(path.read_text())
    config["lambda_architecture"] = architecture
    config["stages"][STAGE]["environment_variables"]["POSTHORN_POOLS"] = " ".join(pools)
    path.write_text(json.dumps(config))
    (project / "merge.json").write_text(render(for_pools(load(MERGE), pools)))


def _chalice(project: Path, pools: Sequence[str], out: Path) -> Template:
    code = "from chalice.cli import main; main()"
    command = [sys.executable, "-c", code, "--project-dir", str(project), "package"]
    command += ["--stage", STAGE, "--template-format", "json", "--merge-template", "merge.json"]
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("POSTHORN_")
    }
    environment |= {"AWS_DEFAULT_REGION": "us-east-1", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [*command, str(out)],
        capture_output=True,
        text=True,
        check=False,
        cwd=project,
        env=environment,
    )
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or ["no reason given"]
        raise NotPackaged(f"Chalice could not package the app: {said[-1]}")
    template: Template = json.loads((out / "sam.json").read_text())
    for function in functions_of(template):
        if not isinstance(function["Properties"]["CodeUri"], dict):  # that of the lake
            del function["Properties"]["CodeUri"]  # Globals say where the code lies
        for event in function["Properties"].get("Events", {}).values():
            # The merge leaves Chalice's !Sub beside our !Ref; a value has one function.
            queue = event["Properties"].get("Queue", {})
            if "Ref" in queue:
                event["Properties"]["Queue"] = {"Ref": queue["Ref"]}
        if not isinstance(function["Properties"]["Role"], dict):
            handler = function["Properties"]["Handler"]
            raise NotPackaged(f"{handler} has no role in infra/{MERGE}; its pools are {pools}")
    return with_downloads(with_answers(template))


def check(package: Package, runs: int = coldstart.RUNS) -> list[coldstart.ColdStart]:
    """Import each handler from its zip, unpacked; NotPackaged when one fails."""
    found = []
    for zipped in package.archives.values():
        with tempfile.TemporaryDirectory() as scratch:
            with zipfile.ZipFile(zipped.path) as packed:
                packed.extractall(scratch)
            found += coldstart.measure(Path(scratch), package.handlers(zipped), runs)
    return sorted(found, key=lambda one: one.handler)


def report(package: Package, starts: Sequence[coldstart.ColdStart], say: Say) -> None:
    """Say what is in the zips and what it costs to import."""
    for made in package.archives.values():
        say(f"{made.path}  {made.size / 1e6:.1f} MB, {made.unzipped / 1e6:.1f} MB unzipped")
        say(f"sha256 {made.digest}")
        say("\ncompressed kB by part")
        ranked = sorted(made.sizes.items(), key=lambda item: -item[1])
        for name, size in ranked[:LARGEST_SHOWN]:
            say(f"{size / 1000:10,.0f}  {name}")
        rest = sum(size for _, size in ranked[LARGEST_SHOWN:])
        say(f"{rest / 1000:10,.0f}  everything else\n")
    say(f"import in ms, least of {coldstart.RUNS} fresh processes: wall, processor")
    for start in starts:
        say(f"{start.wall:10.0f}{start.processor:8.0f}  {start.handler}")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.package", description=__doc__)
    parser.add_argument("--pools", default=os.environ.get("POSTHORN_POOLS", DEFAULT_POOL))
    parser.add_argument("--architecture", choices=sorted(MACHINES), default="x86_64")
    parser.add_argument("--out", type=Path, default=BUILD)
    parser.add_argument("--no-check", action="store_true", help="do not import the handlers")
    given = parser.parse_args(arguments)
    try:
        package = build(read_pools(given.pools), given.architecture, given.out)
        starts = [] if given.no_check else check(package)
        report(package, starts, print)
        for slow in coldstart.over_budget(starts):
            budget = coldstart.BUDGETS[slow.handler]
            raise NotPackaged(
                f"{slow.handler} takes {slow.processor:.0f} ms to import, more than its {budget} ms"
            )
    except (NotPackaged, ValueError, OSError) as error:
        print(f"posthorn: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
