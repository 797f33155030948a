# SPDX-License-Identifier: MIT
"""mariadb under sessions that fill tables, sort them and wait. Used by field.py."""

import os
import pwd
import shutil
import subprocess
import time

import field_sessions

SESSIONS = 12
IDLE_SECONDS = 5
LOAD = ("create table numbers{0} (n int primary key, words varchar(200));\n"
        "insert into numbers{0} select seq, repeat(md5(seq), 1 + seq % 6)"
        " from seq_1_to_20000;\n"
        "select count(distinct words) from (select words from numbers{0}"
        " order by reverse(words) limit 20000) as sorted;\n"
        "drop table numbers{0};\n"
        "select '{1}';\n")


def user():
    """root is refused, unless it asks for itself by name."""
    return [] if os.geteuid() else ["--user=" + pwd.getpwuid(0).pw_name]


class Mariadb:
    """Sessions of one server."""

    needs = "mariadbd"

    def __init__(self, name, pss_mib):
        self.name = name
        self.pss_mib = pss_mib

    def is_installed(self):
        return all(shutil.which(name) for name in ("mariadbd", "mariadb-install-db", "mariadb"))

    def run(self, allocator, directory):
        data, socket = os.path.join(directory, "data"), os.path.join(directory, "socket")
        subprocess.run(["mariadb-install-db", "--no-defaults", "--datadir=" + data,
                        "--auth-root-authentication-method=normal", *user()],
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        command = ["mariadbd", "--no-defaults", "--datadir=" + data, "--socket=" + socket,
                   "--skip-networking", "--innodb-buffer-pool-size=32M",
                   "--pid-file=" + os.path.join(directory, "pid"), *user()]
        with subprocess.Popen(command, env=allocator.environment(), cwd=directory,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
            try:
                idle = self.load(server.pid, socket)
            finally:
                server.terminate()
                _, status, usage = os.wait4(server.pid, 0)
                server.returncode = os.waitstatus_to_exitcode(status)
        return (usage.ru_maxrss / 1024, usage.ru_utime + usage.ru_stime, usage.ru_minflt,
                idle)

    def load(self, server, socket):
        field_sessions.wait_for_file(socket)
        client = ["mariadb", "--no-defaults", "--socket=" + socket, "--user=root", "-N",
                  "--unbuffered", "test"]
        sessions = [subprocess.Popen(client, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                     text=True) for _ in range(SESSIONS)]
        try:
            field_sessions.work(sessions, [LOAD.format(number, field_sessions.MARK)
                                           for number in range(SESSIONS)])
            time.sleep(IDLE_SECONDS)
            return self.pss_mib(server)
        finally:
            field_sessions.end(sessions)

