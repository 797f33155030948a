# SPDX-License-Identifier: MIT
"""
What a server's background save copies: redis' BGSAVE, right after loading and beside writes.

The child that saves shares the parent's memory until one of them writes. A row's "peak" is the
largest sum of both processes by their share of each page (PSS), its "idle" what redis says that
was copied (rdb_last_cow_size). field.py runs it.
"""

import os
import random
import shutil
import socket
import subprocess
import time

import field_postgres

KEYS = 500000
VALUE_BYTES = 400
SAVE_SECONDS_MOST = 60
SAVE_DELAY = -20        # beside writes: a pause at every 20th key, so that it takes seconds
WRITES = 100000
PIPELINE = 32
SEED = 42
SAMPLE_SECONDS = 0.02


class RedisSave:
    """redis-server that has loaded KEYS values and saves them by a child of its own."""

    needs = "redis-server"

    def __init__(self, name, writes):
        self.name = name
        self.writes = writes

    def is_installed(self):
        return shutil.which(self.needs)

    def run(self, allocator, directory):
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            port = str(listener.getsockname()[1])
        command = ["redis-server", "--port", port, "--save", "", "--logfile", "/dev/null",
                   "--enable-debug-command", "yes"]
        with subprocess.Popen(command, env=allocator.environment(), cwd=directory,
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL) as server:
            try:
                peak, copied = self.save(server.pid, port)
            finally:
                server.terminate()
                _, status, usage = os.wait4(server.pid, 0)
                server.returncode = os.waitstatus_to_exitcode(status)
        return peak, usage.ru_utime + usage.ru_stime, usage.ru_minflt, copied

    def save(self, server, port):
        wait_until_it_answers(port)
        # Each key once, so that every allocator holds the same.
        put(port, range(KEYS))
        if self.writes:
            ask(port, "config", "set", "rdb-key-save-delay", str(SAVE_DELAY))
        ask(port, "bgsave")
        if self.writes:
            order = random.Random(SEED)
            put(port, (order.randrange(KEYS) for _ in range(WRITES)))
        peak = peak_while_it_saves(server, port)
        return peak, int(field(port, "rdb_last_cow_size")) / (1 << 20)


def put(port, numbers):
    """Values under these keys, as a client with a pipeline does."""
    with socket.create_connection(("127.0.0.1", int(port))) as client:
        replies = client.makefile("rb")
        commands = [f"*3\r\n$3\r\nSET\r\n$10\r\n{number:010}\r\n${VALUE_BYTES}\r\n"
                    f"{'x' * VALUE_BYTES}\r\n" for number in numbers]
        for first in range(0, len(commands), PIPELINE):
            some = commands[first:first + PIPELINE]
            client.sendall("".join(some).encode())
            for _ in some:
                replies.readline()


def ask(port, *words):
    return subprocess.run(["redis-cli", "-p", port, *words], capture_output=True, text=True,
                          check=True).stdout


def field(port, name):
    lines = (line.split(":") for line in ask(port, "info", "persistence").splitlines())
    return dict(line for line in lines if len(line) == 2)[name]


def wait_until_it_answers(port):
    for _ in range(100):
        if subprocess.run(["redis-cli", "-p", port, "ping"], capture_output=True,
                          check=False).stdout == b"PONG\n":
            return
        time.sleep(0.05)
    raise RuntimeError(f"nobody answers at port {port}")


def peak_while_it_saves(server, port):
    peak, end = 0.0, time.monotonic() + SAVE_SECONDS_MOST
    while field(port, "rdb_bgsave_in_progress") == "1":
        peak = max(peak, field_postgres.pss_mib(server))
        if time.monotonic() > end:
            raise RuntimeError("the save does not end")
        time.sleep(SAMPLE_SECONDS)
    return peak


PROGRAMS = (
    RedisSave("redis_bgsave", False),
    RedisSave("redis_bgsave_writes", True),
)
