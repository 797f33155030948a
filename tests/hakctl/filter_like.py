#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs a command under the seccomp filter of a container's profile, or of a systemd unit; or by Landlock.

    filter_like.py profile FILE.json COMMAND...
    filter_like.py unit FILE.service[,DROP-IN...] COMMAND...
    filter_like.py landlock FOLDER[,FOLDER...] COMMAND...      these, of the root's, are out of reach

By libseccomp, as runc and systemd do it; of a unit the settings that are filters of system calls, and
its groups of calls by `systemd-analyze syscall-filter`. Exits with 77 where something of that is missing.
"""
import ctypes
import json
import os
import subprocess
import sys

ALLOW, LOG, ERRNO, TRAP, KILL = 0x7FFF0000, 0x7FFC0000, 0x00050000, 0x00030000, 0x80000000
COMPARE = {"SCMP_CMP_" + name: number for number, name in
           enumerate(("NE", "LT", "LE", "EQ", "GE", "GT", "MASKED_EQ"), 1)}
FAMILIES = {"AF_UNIX": 1, "AF_INET": 2, "AF_INET6": 10, "AF_NETLINK": 16, "AF_PACKET": 17}
NAMESPACES = 0x7E020000


class Condition(ctypes.Structure):
    _fields_ = [("index", ctypes.c_uint), ("operation", ctypes.c_int),
                ("first", ctypes.c_uint64), ("second", ctypes.c_uint64)]


try:
    library = ctypes.CDLL("libseccomp.so.2")
except OSError:
    print("skipped: no libseccomp")
    sys.exit(77)
library.seccomp_init.restype = ctypes.c_void_p
library.seccomp_init.argtypes = [ctypes.c_uint32]
library.seccomp_load.argtypes = library.seccomp_release.argtypes = [ctypes.c_void_p]
library.seccomp_rule_add_array.argtypes = [ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int,
                                           ctypes.c_uint, ctypes.POINTER(Condition)]


class Filter:
    def __init__(self, default):
        self.default = default
        self.context = library.seccomp_init(default)

    def add(self, name, action, conditions=()):
        number = library.seccomp_syscall_resolve_name(name.encode())
        # A name of another architecture, or newer than the library; or what holds anyway.
        if number < 0 or action == self.default:
            return
        array = (Condition * max(1, len(conditions)))(*conditions)
        error = library.seccomp_rule_add_array(self.context, action, number, len(conditions), array)
        if error:
            sys.exit(f"{name}: {os.strerror(-error)}")

    def load(self):
        error = library.seccomp_load(self.context)
        if error:
            sys.exit(f"seccomp_load: {os.strerror(-error)}")
        library.seccomp_release(self.context)


def load_profile(path):
    with open(path, encoding="utf-8") as file:
        profile = json.load(file)

    def action(rule, key, of):
        return {"SCMP_ACT_ALLOW": ALLOW, "SCMP_ACT_LOG": LOG, "SCMP_ACT_TRAP": TRAP,
                "SCMP_ACT_ERRNO": ERRNO | rule.get(of, 1)}.get(rule[key], KILL)

    rules = Filter(action(profile, "defaultAction", "defaultErrnoRet"))
    for rule in profile["syscalls"]:
        # As for a container with no capability of its own.
        if rule.get("includes", {}).get("caps") or rule.get("includes", {}).get("arches"):
            continue
        conditions = [Condition(of["index"], COMPARE[of["op"]], of["value"], of.get("valueTwo", 0))
                      for of in rule.get("args", [])]
        for name in rule["names"]:
            rules.add(name, action(rule, "action", "errnoRet"), conditions)
    rules.load()


def calls_of(word):
    if not word.startswith("@"):
        return {word.split(":")[0]}
    try:
        text = subprocess.run(["systemd-analyze", "--no-pager", "syscall-filter", word], check=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    except (OSError, subprocess.CalledProcessError):
        print("skipped: systemd-analyze knows no " + word)
        sys.exit(77)
    calls = set()
    for line in text.splitlines()[1:]:
        line = line.strip()
        if line and not line.startswith("#"):
            calls |= calls_of(line)
    return calls


# systemd.exec(5): the first line says whether the list allows or denies, later ones add or take away.
def load_call_filter(values, error):
    listed, allows = set(), None
    for value in values:
        words = value.replace("~", "~ ", 1).split()
        if not words:
            listed, allows = set(), None
            continue
        denies = words[0] == "~"
        if allows is None:
            allows = not denies
        for word in words[denies:]:
            if denies != allows:
                listed |= calls_of(word)
            else:
                listed -= calls_of(word)
    if allows is None:
        return
    refusal = ERRNO | error if error else KILL
    rules = Filter(refusal if allows else ALLOW)
    for name in listed | (calls_of("@default") if allows else set()):
        rules.add(name, ALLOW if allows else refusal)
    rules.load()


def load_families(values):
    allowed = {FAMILIES[word] for value in values for word in value.split()}
    rules = Filter(ALLOW)
    for family in range(46):
        if family not in allowed:
            rules.add("socket", ERRNO | 97, [Condition(0, COMPARE["SCMP_CMP_EQ"], family, 0)])
    rules.load()


def load_small_ones(settings):
    rules = Filter(ALLOW)
    masked, equal = COMPARE["SCMP_CMP_MASKED_EQ"], COMPARE["SCMP_CMP_EQ"]

    def is_on(key):
        return settings.get(key, [""])[-1] in ("true", "yes", "on", "1")

    if is_on("RestrictNamespaces"):
        for bit in range(32):
            if NAMESPACES >> bit & 1:
                for name in "unshare", "clone":
                    rules.add(name, ERRNO | 1, [Condition(0, masked, 1 << bit, 1 << bit)])
        rules.add("clone3", ERRNO | 38)
        rules.add("setns", ERRNO | 1)
    if is_on("MemoryDenyWriteExecute"):
        rules.add("mmap", ERRNO | 1, [Condition(2, masked, 6, 6)])
        for name in "mprotect", "pkey_mprotect":
            rules.add(name, ERRNO | 1, [Condition(2, masked, 4, 4)])
    if is_on("RestrictRealtime"):
        for policy in 1, 2, 6:
            rules.add("sched_setscheduler", ERRNO | 1, [Condition(1, equal, policy, 0)])
    if is_on("RestrictSUIDSGID"):
        for bit in 0o2000, 0o4000:
            for name, index in ("chmod", 1), ("fchmod", 1), ("fchmodat", 2), ("mkdirat", 2):
                rules.add(name, ERRNO | 1, [Condition(index, masked, bit, bit)])
    if is_on("LockPersonality"):
        rules.add("personality", ERRNO | 1, [Condition(0, COMPARE["SCMP_CMP_NE"], 0, 0)])
    for key, word in (("ProtectKernelLogs", "syslog"), ("ProtectHostname", "sethostname"),
                      ("ProtectClock", "@clock"), ("ProtectKernelModules", "@module"),
                      ("PrivateDevices", "@raw-io")):
        for name in calls_of(word) if is_on(key) else []:
            rules.add(name, ERRNO | 1)
    if is_on("PrivateDevices"):
        # /dev/userfaultfd is none of those that are left (USERFAULTFD_IOC_NEW).
        rules.add("ioctl", ERRNO | 25, [Condition(1, equal, 0xAA00, 0)])
    rules.load()


def load_unit(paths):
    settings = {}
    for path in paths.split(","):
        with open(path, encoding="utf-8") as file:
            for line in file:
                key, equals, value = line.strip().partition("=")
                if equals and not line.startswith(("#", ";")):
                    settings.setdefault(key.strip(), []).append(value.strip())
    for value in settings.get("Environment", []):
        name, _, text = value.partition("=")
        os.environ[name] = text
    load_small_ones(settings)
    if "RestrictAddressFamilies" in settings:
        load_families(settings["RestrictAddressFamilies"])
    load_call_filter(settings.get("SystemCallFilter", []),
                     {"EPERM": 1, "ENOSYS": 38}.get(settings.get("SystemCallErrorNumber", [""])[-1], 0))


CREATE_RULESET, ADD_RULE, RESTRICT_SELF, BELOW, RIGHTS = 444, 445, 446, 1, (1 << 13) - 1


class Below(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("rights", ctypes.c_uint64), ("folder", ctypes.c_int)]


def load_landlock(words):
    call = ctypes.CDLL(None).syscall
    rules = call(CREATE_RULESET, ctypes.byref(ctypes.c_uint64(RIGHTS)), ctypes.c_size_t(8), 0)
    if rules < 0:
        print("skipped: no Landlock")
        sys.exit(77)
    hidden = words.split(",")
    for name in os.listdir("/"):
        path = "/" + name
        if path in hidden or not os.path.isdir(path):
            continue
        folder = os.open(path, os.O_PATH)
        call(ADD_RULE, rules, BELOW, ctypes.byref(Below(RIGHTS, folder)), 0)
        os.close(folder)
    if call(RESTRICT_SELF, rules, 0):
        sys.exit("landlock_restrict_self")


def main():
    if len(sys.argv) < 4 or sys.argv[1] not in ("profile", "unit", "landlock"):
        sys.exit(__doc__)
    ctypes.CDLL(None).prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS
    {"profile": load_profile, "unit": load_unit, "landlock": load_landlock}[sys.argv[1]](sys.argv[2])
    os.execvp(sys.argv[3], sys.argv[3:])


main()
