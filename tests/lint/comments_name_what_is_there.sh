#!/bin/bash
# SPDX-License-Identifier: MIT
# What comments promise of others is compared with the code:
#   "pairs with NAME"     NAME is a function (in this file, if it is one word), and its file has atomics
#   "Called by X alone"   files that include the header are X's; "by the helper": of its rooms
#   "Called by X"         X.c (or X.h) includes the header
#   "by NAME lock"        the guard of a field is one of the locks that os/lock.h puts in order
set -u
cd "${top_srcdir:?}" || exit 99
command -v python3 >/dev/null || { echo "skipped: no python3"; exit 77; }
exec python3 - <<'PROGRAM'
import glob
import os
import re
import sys

ROOMS_OF_HELPER = ("lib/helper/", "lib/upkeep/", "lib/control/")
files = [f for folder in ("lib/*", "kmod-free-helpers", "hakctl", "hakctl/*")
         for f in sorted(glob.glob(f"{folder}/*.[ch]"))]
texts = {}
for name in files:
    with open(name, encoding="utf-8") as file:
        texts[name] = file.read()
COMMENT = re.compile(r"/\*.*?\*/", re.S)
code = {name: COMMENT.sub(" ", text) for name, text in texts.items()}
problems = []


def comments(name):
    for found in COMMENT.finditer(texts[name]):
        text = re.sub(r"\s*\n\s*\*\s?", " ", found.group(0))
        yield texts[name].count("\n", 0, found.start()) + 1, " ".join(text.split())


def say(name, line, text):
    problems.append(f"{name}:{line}: {text}")


def defines(name, word):
    return re.search(rf"\b{word}\s*\(|\b{word}\b\s*(=|;|\[)", code[name])


def has_atomics(name):
    return re.search(r"atomic|memory_order|fence|barrier", code[name])


def check_partner(name, line, text):
    words = re.findall(r"[a-z][a-z0-9_]*", text)
    if "below" in words or "above" in words:
        return
    known = [w for w in words
             if ("_" in w and any(defines(f, w) and (has_atomics(f) or f.startswith("hakctl/"))
                             for f in files)) or
             ("_" not in w and re.search(rf"^[a-z].*\b{w}\(", code[name], re.M))]
    for word in words:
        if "_" in word and word not in known:
            say(name, line, f"pairs with {word}, which is not there")
    if not known:
        say(name, line, f"pairs with nothing that has a name: {text}")


def unit(name):
    return re.sub(r"\.[ch]$", "", os.path.basename(name))


INCLUDE = re.compile(r'^#include ["<]([^">]+)[">]', re.M)
included = {f: {g if g in texts else f"lib/{g}" for g in INCLUDE.findall(texts[f])}
            for f in files}


def sees(name, header, seen=None):
    """Directly, by its own header, or by whatever that includes."""
    seen = seen if seen is not None else set()
    for other in included.get(name, ()):
        if other == header:
            return True
        if other not in seen:
            seen.add(other)
            if sees(other, header, seen):
                return True
    return False


def includers(header):
    return [f for f in files if header in included[f] and unit(f) != unit(header)]


def matches(name, word):
    return unit(name).startswith(word[:-1]) if word.endswith("*") else unit(name) == word


def check_callers(name, line, text):
    header = re.sub(r"\.c$", ".h", name)
    if header not in texts:
        return
    who = includers(header)
    only = re.search(r"\b(alone|only)\b", text)
    named = [re.sub(r"\.[ch]$", "", w)
             for w in re.findall(r"[a-z][a-z0-9_]*(?:\*|\.[ch]\b)?", text)
             if re.search(r"[_*.]", w)]
    for word in named:
        if not any(matches(f, word) and sees(f, header) for f in files):
            say(name, line, f"called by {word}, which does not include {header}")
    if not only:
        return
    by_helper = "helper" in text
    for f in who:
        if not any(matches(f, w) for w in named) and not (
                by_helper and f.startswith(ROOMS_OF_HELPER)):
            say(name, line, f"called by others, too: {f} includes {header}")


order = re.search(r"Order: ([^.]*)\.", " ".join(texts.get("lib/os/lock.h", "").split()))
locks = re.findall(r"[a-z]+(?: list)?", order.group(1).replace("*", "").replace("then", "")) \
    if order else []
for name in files:
    for line, text in comments(name):
        for found in re.finditer(r"pairs with ([^;.*]*)", text):
            check_partner(name, line, found.group(1))
        for found in re.finditer(r"[Cc]alled by ((?:[^.;:]|\.[ch]\b)*)", text):
            check_callers(name, line, found.group(1))
        for found in re.finditer(r"\b(?:by|under) (?:the )?((?:[a-z]+ )?[a-z]+) lock\b", text):
            if found.group(1) != "the" and not any(found.group(1).endswith(lock.strip())
                                                   for lock in locks):
                say(name, line, f"by {found.group(1)} lock: os/lock.h has none of that name")
print("\n".join(problems))
sys.exit(bool(problems))
PROGRAM
