"""`make restore`: brings an installation back to a moment of the last 35 days, in new tables beside those that stand.

Nothing that stands is changed. The tables are restored, completed, and made ready by the rule of one host: numbers go
up, and what waited is held, "Restored from a backup of …", for some of it has been sent since. Then it says which
deployment has everything use them. Stopped anywhere, it goes on when it is run again with the same moment.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib import bootstrap
from chalicelib.domain.durations import DAY
from chalicelib.domain.errors import MailError
from chalicelib.domain.restored import Hold, details_of
from chalicelib.services.restored import MakeRestoredReady
from infra.current_state import CurrentState, read
from infra.options import CommandLine, installation_of
from infra.outputs import program_of
from infra.restored_tables import (
    check_moment,
    complete,
    is_ready,
    moment_text,
    restore,
    tell_ready,
    window_of,
)
from infra.stack import Say
from infra.targets import Target, WrongOrder, one_line

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?Z")
LATEST = "latest"
# A restored table: the installation's name, and the moment.
_RESTORED = re.compile(r"-r\d{14}$")


@dataclass(frozen=True, slots=True)
class Restored:
    """The tables that were made, and how many messages are held in them."""

    mail: str
    stream: str
    control: str
    held: int

    @property
    def parameters(self) -> dict[str, str]:
        """What a deployment is told, so that everything uses them."""
        return {
            "RestoredMailTable": self.mail,
            "RestoredMailStream": self.stream,
            "RestoredControlTable": self.control,
        }


def restore_to(
    target: Target, prefix: str, state: CurrentState, moment: datetime | None, say: Say
) -> Restored:
    """Make the tables as of a moment; None is the newest that can be had. WrongOrder says what stands against it."""
    outputs = state.outputs
    if "MailTable" not in outputs:
        raise WrongOrder(f"no installation stands under the prefix {prefix!r}")
    client, sources = target.client("dynamodb"), (outputs["MailTable"], outputs["ControlTable"])
    windows = {source: window_of(client, source) for source in sources}
    # Both as of one moment. Emulators have no past: there it is now.
    moment = moment or min(latest for _, latest in windows.values())
    for source, window in windows.items():
        if not target.is_emulated:
            check_moment(source, window, moment)
    say(f"as of {moment_text(moment)}")
    names = [_name(source, moment) for source in sources]
    for source, name in zip(sources, names, strict=True):
        restore(client, source, name, None if target.is_emulated else moment, say)
    stream, _ = (complete(client, name, prefix, target.pace) for name in names)
    mail, control = names
    if is_ready(client, mail):
        say(f"{mail} is ready already")
        return Restored(mail, stream, control, 0)
    known = {**outputs, "MailTable": mail, "ControlTable": control}
    held = _make_ready(target, known, state, moment)
    tell_ready(client, mail, held)
    return Restored(mail, stream, control, held)


def read_moment(text: str, now: datetime) -> datetime | None:
    """A moment in UTC, as 2027-03-04T02:15:00Z; None for the newest. WrongOrder."""
    if text == LATEST:
        return None
    if not MOMENT.fullmatch(text):
        raise WrongOrder(f"{text!r} is no moment; one looks like 2027-03-04T02:15:00Z, or latest")
    try:
        found = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError as wrong:
        raise WrongOrder(f"{text!r} is no moment: {wrong}") from None
    if found > now:
        raise WrongOrder(f"{text} has not come yet")
    return found


def _name(source: str, moment: datetime) -> str:
    """`posthorn-mail` as of a moment is `posthorn-mail-r20270304021500`, restored before or not."""
    return f"{_RESTORED.sub('', source)}-r{moment.astimezone(UTC):%Y%m%d%H%M%S}"


def _make_ready(
    target: Target, outputs: dict[str, str], state: CurrentState, moment: datetime
) -> int:
    program, now = program_of(target, outputs, state.settings), datetime.now(UTC).timestamp()
    days = program.settings.hold_days
    details = details_of(f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}")
    hold = Hold(details, now, int(now) + days * DAY)
    return bootstrap.run(program[MakeRestoredReady].run(hold))


def deployment(target: Target, prefix: str, made: Restored) -> str:
    """The command that has everything use the restored tables."""
    given = " ".join(f"--parameter {name}={value}" for name, value in made.parameters.items())
    return f'make deploy TARGET={target.kind} PREFIX={prefix} ARGS="{given}"'


def arguments() -> CommandLine:
    """The command line."""
    parser = CommandLine(prog="python -m infra.restore", description=__doc__)
    parser.add_argument("--to", required=True, help="2027-03-04T02:15:00Z, or latest")
    return parser


def main(given: Sequence[str] | None = None) -> int:
    """Exit code 0 when the tables are ready; 1 with one sentence when they are not."""
    try:
        options = arguments().parse_args(given)
        moment = read_moment(options.to, datetime.now(UTC))
        target, prefix = installation_of(options)
        target.identify()
        made = restore_to(target, prefix, read(target, prefix), moment, _say)
    except (WrongOrder, ClientError, BotoCoreError) as error:
        print(f"posthorn: {one_line(error)}", file=sys.stderr)
        return 1
    except MailError as error:
        print(f"posthorn: {error.public}; run it again, and it goes on", file=sys.stderr)
        return 1
    print(f"{made.mail} and {made.control} are ready; {made.held} messages that waited are held.")
    print("When nothing serves the tables of before (docs/operations.md), have these used:")
    print(deployment(target, prefix, made))
    return 0


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
