# SPDX-License-Identifier: MIT
"""Clients of a database that work and then wait. Used by field_mariadb.py, field_postgres.py."""

import os
import time

MARK = "all of it is done"


def wait_for_file(path):
    for _ in range(200):
        if os.path.exists(path):
            return
        time.sleep(0.05)
    raise RuntimeError(f"{path} does not come")


def work(sessions, texts):
    """Each is given its text, and has done it when it says MARK."""
    for session, text in zip(sessions, texts):
        session.stdin.write(text)
        session.stdin.flush()
    for session in sessions:
        for line in session.stdout:
            if line.strip() == MARK:
                break


def end(sessions):
    for session in sessions:
        session.stdin.close()
        session.wait()
        session.stdout.close()
