"""The command `posthorn move` in a process that kills itself at a call to AWS: `moving_process 37 --to aws` makes 37.

With a negative number it makes as many as it needs. It ends with a line of JSON: how many it made, and in how many
seconds of the move itself.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from typing import Any

from chalicelib.adapters.aws.session import AwsSession
from onehost.main import main

_real = AwsSession.call
_made = 0


async def _call(self: AwsSession, *arguments: Any, **options: Any) -> Any:
    """One call; the last one may have reached AWS or not."""
    global _made  # noqa: PLW0603  # a process makes one move
    _made += 1
    is_last = _made == int(sys.argv[1]) + 1
    if is_last and random.random() < 0.5:
        os.kill(os.getpid(), signal.SIGKILL)
    answer = await _real(self, *arguments, **options)
    if is_last:
        os.kill(os.getpid(), signal.SIGKILL)
    return answer


AwsSession.call = _call  # type: ignore[method-assign]
begun = time.monotonic()
code = main(["move", *sys.argv[2:]])
print(json.dumps({"calls": _made, "seconds": round(time.monotonic() - begun, 1)}))
sys.exit(code)
