"""A process that serves and dies is started again with one line, and no message is lost over it.

On `run` that is the one process that has everything, on `runner` gateway, runner and front.
"""

from __future__ import annotations

import os
import re
import signal

from tests.e2e.conftest import StartStack
from tests.e2e.stack import RunningStack, message, wait_for
from tests.e2e.target import chosen
from tests.patience import PATIENCE

TAKES_MAIL = "serve" if chosen().embedded else "gateway"
DELIVERS = "serve" if chosen().embedded else "runner"


def pid_of(stack: RunningStack, name: str) -> int:
    pid = stack.now_facts()["pids"][name]
    return int(pid[0] if isinstance(pid, list) else pid)


def answers(stack: RunningStack) -> bool:
    try:
        return bool(stack.get("/_local/clock"))
    except OSError:
        return False


def test_a_killed_process_comes_back_and_mail_goes_on(start_stack: StartStack) -> None:
    stack = start_stack()
    for name in chosen().serving:
        kill_and_see_another(stack, name)
        see_mail_go_on(stack, f"after-{name}@example.test")
    assert stack.stop() == 0


def kill_and_see_another(stack: RunningStack, name: str) -> None:
    """Kill one process; one of its kind is started instead, nothing else, and one line says so."""
    before = stack.now_facts()["pids"]
    os.kill(pid_of(stack, name), signal.SIGKILL)
    dead = before[name][0] if isinstance(before[name], list) else before[name]
    wait_for(lambda: pid_of(stack, name) != dead, f"another {name}")
    after = stack.now_facts()["pids"]
    assert {key for key in before if before[key] != after[key]} == {name}
    line = (
        rf"process {dead}\)? died: signal SIGKILL; started again as process {pid_of(stack, name)}$"
    )
    assert len(re.findall(line, stack.output, re.MULTILINE)) == 1, stack.output


def see_mail_go_on(stack: RunningStack, rcpt: str) -> None:
    """Submit until it is taken, and see it arrive."""

    def sent() -> bool:
        try:
            stack.submit(rcpt, message(rcpt))
        except OSError:
            return False
        return True

    wait_for(sent, "a submission that is taken")
    wait_for(lambda: answers(stack), "a front that answers")
    # The dead process may have had the wake-up, or the inbox may not have been back yet: then it takes a retry.
    stack.by_rounds(lambda: stack.inbox(rcpt), "the message in the inbox")


def test_who_delivers_killed_in_the_middle_loses_nothing(start_stack: StartStack) -> None:
    stack = start_stack()
    slow = [f"slow-{number}+slow@example.test" for number in range(3)]
    for rcpt in slow:
        stack.submit(rcpt, message(rcpt))
    log = stack.state / "logs" / ("serve.log" if chosen().embedded else "runner-0.log")
    wait_for(lambda: "deliver" in log.read_text(), "a delivery")
    os.kill(pid_of(stack, DELIVERS), signal.SIGKILL)

    # Each round is past lease and visibility time-out.
    stack.by_rounds(lambda: all(stack.inbox(rcpt) for rcpt in slow), "every message")
    assert stack.stop() == 0


def test_a_process_that_keeps_ending_by_itself_ends_the_stack(start_stack: StartStack) -> None:
    stack = start_stack()
    ended: set[int] = set()

    def end_and_see() -> bool:
        if stack.process.poll() is not None:
            return True
        try:
            pid = pid_of(stack, TAKES_MAIL)
        except (FileNotFoundError, ValueError):
            return False
        if pid not in ended:
            os.kill(pid, signal.SIGABRT)
            ended.add(pid)
        return False

    wait_for(end_and_see, "the end of the stack")
    assert stack.process.wait(PATIENCE) == 1
    said = [line for line in stack.output.splitlines() if line.startswith("posthorn: ")]
    how = "keeps dying (signal SIGABRT), so"
    embedded, others = f"process 0 {how} posthorn stops.", f"the gateway {how} the stack stops."
    assert said == [f"posthorn: {embedded if chosen().embedded else others}"]
    assert stack.output.count("died: signal SIGABRT; started again") + 1 >= 5, stack.output
    assert stack.left_over() == []


def test_a_process_killed_again_and_again_is_started_again_and_again(
    start_stack: StartStack,
) -> None:
    stack = start_stack()
    killed: set[int] = set()

    def kill_and_count() -> bool:
        assert stack.process.poll() is None, stack.output
        try:
            pid = pid_of(stack, TAKES_MAIL)
            if pid not in killed:
                os.kill(pid, signal.SIGKILL)
                killed.add(pid)
        except (FileNotFoundError, ValueError, ProcessLookupError):
            return False
        return len(killed) == 8

    wait_for(kill_and_count, "eight processes")
    see_mail_go_on(stack, "after-eight-kills@example.test")
