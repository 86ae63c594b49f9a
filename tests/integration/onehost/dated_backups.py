"""A host whose settings name a folder for dated backups, and what stands in that."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from chalicelib.bootstrap import Posthorn
from onehost.backups.dated import Dated, all_of
from onehost.backups.notes import Notes, read_notes
from tests.integration.cli.conftest import Outcome, Run
from tests.kept_mail import Host, opened


@dataclass
class DatedBackups:
    """A state folder and the folder of its backups; `settings` are those of the settings file beside these two."""

    state: Path
    folder: Path
    posthorn: Run
    settings: dict[str, object] = field(default_factory=dict)

    def command(self, *words: str) -> Outcome:
        """`posthorn backups …` with the settings as they are."""
        file = self.folder.parent / "posthorn.toml"
        named = {"state_folder": str(self.state), "backup_folder": str(self.folder)}
        text = [f"{name} = {json.dumps(one)}\n" for name, one in (named | self.settings).items()]
        file.write_text("".join(text))
        return self.posthorn(*words, "--config", str(file))

    def run(self, *words: str) -> Outcome:
        return self.command("backups", "run", *words)

    def made(self) -> Dated:
        """One more, and all is well."""
        done = self.run()
        assert done.code == 0, done.err
        return self.all[-1]

    @property
    def all(self) -> list[Dated]:
        return all_of(self.folder)

    @property
    def notes(self) -> Notes:
        return read_notes(self.state)

    def restored(self, one: Dated) -> Posthorn:
        """What is in a backup, restored into a folder that is sound."""
        other = self.folder.parent / "restored"
        shutil.rmtree(other, ignore_errors=True)
        other.mkdir(mode=0o700)
        shutil.copy2(self.state / "key", other / "key")
        done = self.posthorn("restore", str(one.path), "--state", str(other))
        assert done.code == 0, done.err
        assert self.posthorn("check", "--state", str(other)).code == 0
        return opened(other)

    def left(self) -> set[str]:
        """What is in the folder beside finished backups."""
        return {path.name for path in self.folder.iterdir()} - {one.path.name for one in self.all}


@dataclass
class DatedHost(DatedBackups):
    """The same with mail in it."""

    host: Host = field(kw_only=True)
