"""One run of the command on one host: which settings file and which state folder are meant.

A state folder that the command line, the environment or the settings file names comes before an AWS account that the
environment names, and before a local stack; `--stack` comes before all of them.
"""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from chalicelib.cli.places import Wish
from chalicelib.cli.session import Session
from chalicelib.cli.stack import STATE_FOLDER, NoStack, find_stack
from chalicelib.config import Settings, read_settings
from chalicelib.domain.errors import PermanentFailure
from onehost.settings_file import environment_of, settings_path

if TYPE_CHECKING:
    from chalicelib.bootstrap import Posthorn

NO_STATE = (
    "No state folder is named: set state_folder in the settings file, or name one with --state"
)


@dataclass
class HostSession(Session):
    """A session that knows settings file and state folder. Both are looked up when they are first needed."""

    config: Path | None = None
    state: Path | None = None

    @property
    def settings_path(self) -> Path | None:
        """The settings file in use."""
        return settings_path(self.config, os.environ)

    @property
    def named_state(self) -> Path | None:
        """The state folder that the command line or the environment names."""
        named = os.environ.get(STATE_FOLDER)
        return self.state or (Path(named) if named else None)

    @property
    def wish(self) -> Wish:
        """What the command line names: a state folder or settings file is opened, where nothing else is named."""
        wish, names_host = super().wish, self.state is not None or self.config is not None
        return replace(wish, local=True) if names_host and wish == Wish() else wish

    def use_stack(self) -> bool:
        """Read the settings of the local stack that `--stack` names, or that runs here where nothing else is named, if
        it keeps its state in a folder. Returns whether they were read."""
        if self.stack_file is None and self.settings.state_folder:
            return False
        try:
            stack = find_stack(self.environment, self.stack_file)
        except NoStack:
            if self.stack_file is not None:
                raise
            return False
        if stack is None or not stack.environment.get(STATE_FOLDER):
            return False
        self.environment = self.environment | dict(stack.environment)
        self.__dict__.pop("settings", None)
        return True

    def use_settings(self, path: Path) -> None:
        """Take the settings from a file that has just been written."""
        self.config = path
        for read in ("environment", "settings", "place", "client"):
            self.__dict__.pop(read, None)

    @functools.cached_property
    def environment(self) -> dict[str, str]:
        """What the processes of this host read their settings from. PermanentFailure for an unusable settings file."""
        found = environment_of(self.settings_path, os.environ)
        if self.state is not None:
            found[STATE_FOLDER] = str(self.state)
        return found

    @functools.cached_property
    def settings(self) -> Settings:
        """The settings; PermanentFailure names the one that cannot be read."""
        try:
            return read_settings(self.environment)
        except ValueError as wrong:
            raise PermanentFailure(str(wrong)) from wrong

    def check_state_named(self) -> None:
        """PermanentFailure when no state folder is named."""
        if not self.settings.state_folder:
            raise PermanentFailure(NO_STATE)

    @property
    def state_folder(self) -> Path:
        """The state folder; PermanentFailure when none is named."""
        self.check_state_named()
        return Path(self.settings.state_folder).absolute()

    @functools.cached_property
    def posthorn(self) -> Posthorn:
        """The installation, configured as its processes are. PermanentFailure when a database of its state folder is
        not for this release, though a command may need only the other."""
        if self.stack is None and self.settings.state_folder:
            from chalicelib.adapters.sqlite.folder import StateFolder
            from chalicelib.bootstrap import Posthorn
            from onehost.storage.reading import check_schemas

            program = Posthorn(self.settings, "sqlite")
            _ = program[StateFolder]
            check_schemas(self.state_folder)
            return program
        if self.stack is None:
            os.environ.update(self.environment)
        found: Posthorn = super().posthorn
        return found
