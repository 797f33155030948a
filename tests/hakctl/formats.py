# SPDX-License-Identifier: MIT
"""Reads what hakctl prints for programs, strictly: formats.py json|openmetrics|classic FILE."""
import json
import re
import sys

SAMPLE = re.compile(
    r'^([a-z_][a-z0-9_]*)\{((?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)*)\} (-?[0-9]+(?:\.[0-9]+)?)$')


def fail(text):
    print(text)
    sys.exit(1)


def no_floats(value, where='object'):
    if isinstance(value, float):
        fail(f'{where} is no integer: {value}')
    if isinstance(value, dict):
        for name, inner in value.items():
            no_floats(inner, f'{where}.{name}')
    if isinstance(value, list):
        for i, inner in enumerate(value):
            no_floats(inner, f'{where}[{i}]')


def check_json(text):
    lines = text.splitlines()
    for line in lines:
        value = json.loads(line)
        if not isinstance(value, dict) or value.get('schema') != 1 or 'verb' not in value:
            fail(f'no object with a schema: {line[:80]}')
        no_floats(value)
        for process in value.get('processes', []):
            if not isinstance(process['pid'], int) or not process['name']:
                fail(f'a process without pid or name: {process}')
            if 'terms' in process:
                total = sum(term['bytes'] for term in process['terms'])
                if total != process['populated_bytes']:
                    fail(f'terms add up to {total}, not to {process["populated_bytes"]}')
    if not lines:
        fail('nothing at all')


def check_metrics(text, classic):
    types, units, samples = {}, {}, set()
    family, done = None, set()
    lines = text.split('\n')
    if lines.pop() != '':
        fail('the last line does not end')
    if not classic and lines.pop() != '# EOF':
        fail('no # EOF at the end')
    for line in lines:
        if line.startswith('# '):
            _, what, name, rest = line.split(' ', 3)
            if what == 'TYPE':
                if name in types:
                    fail(f'{name} comes twice')
                types[name], family = rest, name
            elif name != family:
                fail(f'{what} of {name} within {family}')
            elif what == 'UNIT':
                units[name] = rest
                if not name.endswith('_' + rest):
                    fail(f'{name} does not end with its unit {rest}')
            continue
        match = SAMPLE.match(line)
        if not match:
            fail(f'no sample: {line}')
        name, labels, value = match.groups()
        suffix = {'counter': '_total', 'info': '_info'}.get(types[family], '')
        if name != family + ('' if classic else suffix):
            fail(f'{name} within {family}, a {types[family]}')
        if (name, labels) in samples:
            fail(f'twice: {name} {labels}')
        samples.add((name, labels))
        if types[family] == 'counter' and value.startswith('-'):
            fail(f'a negative counter: {line}')
        done.add(family)
    if len(done) < 50:
        fail(f'only {len(done)} families have samples')
    if not classic and (units.get('hakmem_populated_bytes') != 'bytes' or
                        types.get('hakmem_released_bytes') != 'counter'):
        fail('populated_bytes has no unit, or released_bytes is no counter')


with open(sys.argv[2], encoding='utf-8') as file:
    content = file.read()
if sys.argv[1] == 'json':
    check_json(content)
else:
    check_metrics(content, sys.argv[1] == 'classic')
