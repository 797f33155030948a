# SPDX-License-Identifier: MIT
"""The machine's setting for transparent huge pages, changed for one run and put back.

Only root may; the bench holds the timing lock meanwhile. populate.py calls it.
"""

import contextlib
import os
import re
import signal

SETTING = "/sys/kernel/mm/transparent_hugepage/enabled"
SMALL, HUGE = "madvise", "always"


def current():
    try:
        with open(SETTING, encoding="ascii") as file:
            return re.search(r"\[(\w+)\]", file.read()).group(1)
    except OSError:
        return None


def available():
    """The settings to measure under: the machine's own, and the other if we may."""
    now = current()
    if now is None:
        return ["none"]
    if not os.access(SETTING, os.W_OK):
        return [now]
    return [SMALL if now == HUGE else now, HUGE]


def write(setting):
    with open(SETTING, "w", encoding="ascii") as file:
        file.write(setting)


def leave(number, _frame):
    raise SystemExit(128 + number)


@contextlib.contextmanager
def using(setting):
    """Whatever ends the bench but SIGKILL, the setting is put back."""
    before = current()
    if setting in (before, "none"):
        yield
        return
    signals = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
    handlers = [signal.signal(number, leave) for number in signals]
    try:
        write(setting)
        yield
    finally:
        write(before)
        for number, handler in zip(signals, handlers):
            signal.signal(number, handler)
