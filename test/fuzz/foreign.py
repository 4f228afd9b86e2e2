"""Python's own parsers: each line of stdin is a JSON array [kind, text or octets as latin-1], its result is a line of JSON."""

import io
import json
import re
import smtplib
import sys
from email import message_from_bytes, policy
from email.headerregistry import HeaderRegistry
from email.utils import getaddresses, parseaddr

from aiosmtpd.smtp import SMTP

headers = HeaderRegistry()


def registry(value):
    return [[a.username, a.domain] for a in headers("From", value).addresses]


def old(value):
    return [address for _, address in getaddresses([value])]


def fields(octets):
    return [name.lower() for name in message_from_bytes(octets.encode("latin-1"), policy=policy.SMTP).keys()]


def senders(octets):
    """The domains of From by all of Python's parsers; the old ones get the field with its folds."""
    raw = octets.encode("latin-1")
    folded = str(message_from_bytes(raw)["From"])
    found = [parseaddr(folded)[1], *old(folded)]
    try:
        found += [a.addr_spec for a in message_from_bytes(raw, policy=policy.SMTP)["From"].addresses]
    except AttributeError:
        pass  # a fault of Python's own: 'str' object has no attribute 'token_type'
    domains = {address.rsplit("@", 1)[1] for address in found if "@" in address}
    return sorted(domain for domain in domains if re.fullmatch(r"\w+(\.\w+)*", domain))


def replies(octets):
    session = smtplib.SMTP()
    session.file = io.BytesIO(octets.encode("latin-1"))
    found = []
    while session.file.tell() < len(octets):
        begin = session.file.tell()
        code, text = session.getreply()
        said = octets[begin : session.file.tell()].split("\r\n")[:-1]
        # smtplib has all lines under the last code; to the relay, a refusal begins with its own.
        other = sum(not line.startswith(str(code)) for line in said)
        found.append([code, "\n".join(text.decode("latin-1").split("\n")[other:])])
    return found


class Listener:
    local_part_limit = 0


def path(argument):
    return SMTP._getaddr(Listener(), argument)[0]


KINDS = {"registry": registry, "old": old, "fields": fields, "senders": senders, "replies": replies, "path": path}

for line in sys.stdin:
    kind, text = json.loads(line)
    try:
        answer = KINDS[kind](text)
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=False)
    sys.stdout.flush()
