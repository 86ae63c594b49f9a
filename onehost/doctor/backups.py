"""Whether backups are made by themselves, taken off the host, and proven by restoring them."""

from __future__ import annotations

import os
from pathlib import Path

from chalicelib.ports.clock import Clock
from onehost.backups.standing import standing
from onehost.doctor.finding import Findings, failed, not_checked, ok, warning
from onehost.doctor.host import Host

NOT_SET = "Name a folder as backup_folder, and start posthorn-backup.timer"
LOOK = "journalctl -u posthorn-backup.service, and run `posthorn backups run` by hand"
TIMER = "systemctl enable --now posthorn-backup.timer, or run `posthorn backups run` by hand"


async def backups(host: Host) -> Findings:
    """What the settings name, and how the last run ended."""
    options = host.options
    if not host.state.is_dir():
        return [not_checked(f"there is no state folder {host.state}")]
    if not options.backup_folder:
        return [warning("No backups are made by themselves", NOT_SET)]
    folder, hook = Path(options.backup_folder), options.backup_hook
    if not folder.is_dir():
        return [failed(f"There is no folder {folder} for backups", "Mount its disk, or make it")]
    if hook and not (Path(hook).is_absolute() and os.access(hook, os.X_OK)):
        return [failed(f"The hook {hook} cannot be run", "Give its absolute path, mode 0755")]
    found = standing(host.state)
    if found.failures:
        return [failed(text, LOOK) for text in found.failures]
    return [warning(text, TIMER) for text in found.overdue(host.program[Clock].now())] or [
        ok(f"they are made in {folder}, and the newest proven one can be restored")
    ]
