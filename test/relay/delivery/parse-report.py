"""Reads a DSN from standard input with Python's own email package, and prints what it finds as JSON."""
import email
import email.policy
import json
import sys

octets = sys.stdin.buffer.read()
# To the package every message/* is a message, which it does not decode; these may be encoded (RFC 6533 section 4).
GLOBAL = ('message/global-', 'text/x-global-')
known = octets.replace(*(f'Content-Type: {kind}'.encode() for kind in GLOBAL))
message = email.message_from_bytes(known, policy=email.policy.SMTP)


def fields(group):
    # A field that stands there twice has both values.
    return {name: ' and '.join(group.get_all(name)) for name in group.keys()}


def parts(root):
    for part in root.iter_parts():
        kind = part.get_content_type()
        if kind == 'message/delivery-status':
            yield {'type': kind, 'groups': [fields(group) for group in part.get_payload()]}
        else:
            kind = kind.replace(GLOBAL[1], GLOBAL[0])
            yield {'type': kind, 'text': part.get_payload(decode=True).decode('utf-8', 'replace')}


print(json.dumps({
    'type': message.get_content_type(),
    'report': message.get_param('report-type'),
    'headers': {name.lower(): str(value) for name, value in message.items()},
    'parts': list(parts(message)),
    'defects': [str(d) for part in message.walk() for d in part.defects],
    'sevenBit': all(octet < 128 and octet != 0 for octet in octets),
    'longest': max(len(line) for line in octets.split(b'\r\n')),
    'bare': octets.replace(b'\r\n', b'').count(b'\n') + octets.replace(b'\r\n', b'').count(b'\r'),
}))
