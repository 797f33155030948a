# SPDX-License-Identifier: MIT
"""Asks the helper of a process for its ledger and takes the time: include/hakmem/control.h.

release.py calls answer_times().
"""

import glob
import os
import socket
import struct
import time

MAGIC, VERSION = 0x6b6168, 1
HELLO, STATS = 1, 3
REPLY_BYTES = 16384
HEAD = struct.Struct("=IHHIIIIHHI")
HELLO_BODY = struct.Struct("=HHIQ24s")
LOOK_SECONDS = 2
PAUSE_SECONDS = 0.001


class NoAnswer(Exception):
    """Nobody listens, or what was heard is no reply."""


def ask(client, kind, body=b""):
    """Seconds from the request to its reply, one message."""
    began = time.monotonic()
    client.send(HEAD.pack(MAGIC, VERSION, kind, HEAD.size + len(body), 1, 0, 0, 0, 0, 0) +
                body)
    reply = client.recv(REPLY_BYTES)
    took = time.monotonic() - began
    if len(reply) < HEAD.size or HEAD.unpack_from(reply)[2] != kind:
        raise NoAnswer("the reply is of another kind")
    return took


def connect(folder):
    end = time.monotonic() + LOOK_SECONDS
    while time.monotonic() < end:
        for path in glob.glob(os.path.join(folder, "*.sock")):
            client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            client.settimeout(LOOK_SECONDS)
            client.connect(path)
            ask(client, HELLO, HELLO_BODY.pack(VERSION, VERSION, os.getpid(), 0, b""))
            return client
        time.sleep(PAUSE_SECONDS)
    raise NoAnswer("no socket")


def answer_times(client, seconds):
    """The times of all requests made in the next seconds, one after the other."""
    times = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        times.append(ask(client, STATS))
        time.sleep(PAUSE_SECONDS)
    return times
