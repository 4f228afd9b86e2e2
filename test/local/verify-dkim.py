"""What dkimpy says of messages: files by name on standard input, one line of JSON for each on standard output.

The first argument is a file of JSON: the TXT record of each name.
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
