"""The last one out: ends every child of a stack when the stack's own process is gone.

Runs as a process of its own (``python -I -S guard.py``) and reads lines from the stack: ``+PID``
when a child's process group starts, ``-PID`` when it has ended. The pipe closes when the stack's
process ends, however it ends (SIGKILL included); whatever is still listed is then asked to stop,
and killed two seconds later. Linux's parent-death signal would do the same, but it follows the
*thread* that started the child, and macOS has none.
"""

import os
import signal
import sys
import time

GRACE_SECONDS = 2.0


def signal_group(group: int, number: int) -> bool:
    """Send a signal to a process group; False when nobody is left in it."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def main() -> None:
    """Follow the pipe to its end, then clean up."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups: set[int] = set()
    for line in sys.stdin:
        group = int(line[1:])
        if line[0] == "+":
            groups.add(group)
        else:
            groups.discard(group)
    # SIGINT is Postgres's fast shutdown (SIGTERM waits for its clients); the others end on it too.
    left = {group for group in groups if signal_group(group, signal.SIGINT)}
    until = time.monotonic() + GRACE_SECONDS
    while left and time.monotonic() < until:
        time.sleep(0.05)
        left = {group for group in left if signal_group(group, 0)}
    for group in left:
        signal_group(group, signal.SIGKILL)


if __name__ == "__main__":
    main()
