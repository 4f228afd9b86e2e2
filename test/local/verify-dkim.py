"""Verifies messages by dkimpy: reads file names from standard input, and prints one line of JSON for each.

The first argument is a JSON file with the TXT record of each name, the second the number of signatures to look at.
"""

import json
import sys

import dkim

RECORDS = json.load(open(sys.argv[1]))


def txt(name, timeout=5):
    record = RECORDS.get(name.decode().rstrip("."))
    return None if record is None else record.encode()


def verdict(message, index):
    try:
        return dkim.DKIM(message).verify(idx=index, dnsfunc=txt)
    except dkim.DKIMException as error:
        return str(error)


for file in sys.stdin.read().split("\n"):
    if file:
        content = open(file, "rb").read()
        print(json.dumps([verdict(content, index) for index in range(int(sys.argv[2]))]))
