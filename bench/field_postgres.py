# SPDX-License-Identifier: MIT
"""postgres under a load: what its processes hold together, by their share of each page (PSS).

One process a session: that is where a few MiB that nobody gives back count forty times. Used
by field.py. postgres refuses root, who becomes somebody else here.
"""

import glob
import os
import pwd
import shutil
import signal
import subprocess
import time

import field_sessions

LIGHT = "select count(*) from pg_class where relname like 'pg_%';\n" * 50
SORT = ("set work_mem='32MB';\n"
        "select count(*) from (select md5(g::text) as x from generate_series(1, 60000) g"
        " order by x offset 0) as sorted;\n")
IDLE_SECONDS = 5


def program(name):
    """Debian keeps all but the clients in a folder a version."""
    found = sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"))
    return shutil.which(name) or (found[-1] if found else None)


def user():
    """Whom root becomes, as arguments of subprocess."""
    if os.geteuid():
        return {}
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    return {}


def tasks_below(process):
    """The process and all that it started, without hakmem's helpers, which share its memory."""
    children, names = {}, {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/stat", encoding="utf-8") as file:
                text = file.read()
        except OSError:
            continue
        names[int(entry)] = text[text.index("(") + 1:text.rindex(")")]
        parent = int(text[text.rindex(")") + 2:].split()[1])
        children.setdefault(parent, []).append(int(entry))
    found, ahead = [], [process]
    while ahead:
        task = ahead.pop()
        if names.get(task, "").startswith("hakmem-"):
            continue
        found.append(task)
        ahead.extend(children.get(task, ()))
    return found


def pss_mib(process):
    """Of the process and all that it started; a page that several share counts once."""
    kib = 0
    for task in tasks_below(process):
        try:
            with open(f"/proc/{task}/smaps_rollup", encoding="utf-8") as file:
                kib += sum(int(line.split()[1]) for line in file if line.startswith("Pss:"))
        except OSError:
            pass    # it has ended
    return kib / 1024


class Postgres:
    """So many sessions do the same work at the same time, and then wait."""

    needs = "postgres"

    def __init__(self, name, sessions, work):
        self.name = name
        self.sessions = sessions
        self.work = work

    def is_installed(self):
        return all(program(name) for name in ("postgres", "initdb", "psql"))

    def run(self, allocator, directory):
        become = user()
        home = os.path.join(directory, "home")
        os.chmod(directory, 0o711)
        os.mkdir(home, 0o700)
        if become:
            os.chown(home, become["user"], become["group"])
        subprocess.run([program("initdb"), "-D", home + "/data", "-A", "trust", "--no-sync",
                        "-U", "bench"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       check=True, cwd=home, **become)
        environment = allocator.environment()
        if allocator.library:    # that user may not reach the folder of the build
            copy = os.path.join(directory, os.path.basename(allocator.library))
            shutil.copy(os.path.realpath(allocator.library), copy)
            os.chmod(copy, 0o755)
            environment["LD_PRELOAD"] = copy
        command = [program("postgres"), "-D", home + "/data", "-k", home, "-c",
                   "listen_addresses=", "-c", "fsync=off", "-c", "shared_buffers=32MB"]
        server = subprocess.Popen(command, env=environment, cwd=home, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL, **become)
        try:
            peak, idle = self.load(server.pid, home, become)
        finally:
            server.send_signal(signal.SIGINT)
            _, status, usage = os.wait4(server.pid, 0)
            server.returncode = os.waitstatus_to_exitcode(status)
        return peak, usage.ru_utime + usage.ru_stime, usage.ru_minflt, idle

    def load(self, server, home, become):
        field_sessions.wait_for_file(os.path.join(home, ".s.PGSQL.5432"))
        time.sleep(0.5)
        sessions = [subprocess.Popen(
            [program("psql"), "-X", "-q", "-A", "-t", "-h", home, "-U", "bench", "postgres"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=home, **become)
            for _ in range(self.sessions)]
        try:
            field_sessions.work(sessions, [self.work + f"\\echo {field_sessions.MARK}\n"]
                                * self.sessions)
            peak = pss_mib(server)
            time.sleep(IDLE_SECONDS)
            return peak, pss_mib(server)
        finally:
            field_sessions.end(sessions)


PROGRAMS = (
    Postgres("postgres_light", 12, LIGHT),
    Postgres("postgres_sorts", 40, SORT),
)
