"""Reads a DSN from standard input with Python's own parser, and prints as JSON what a mail program would make of it."""

import email
import email.policy
import json
import sys

message = email.message_from_bytes(sys.stdin.buffer.read(), policy=email.policy.default)
parts = list(message.iter_parts())
status = next((p for p in parts if p.get_content_type() == "message/delivery-status"), None)
returned = next((p for p in parts if p.get_content_type() in ("message/rfc822", "text/rfc822-headers", "message/rfc822-headers")), None)


def headers_of(part):
    if part is None:
        return ""
    payload = part.get_payload()
    return payload[0].as_string() if isinstance(payload, list) else payload


print(
    json.dumps(
        {
            "defects": [repr(d) for p in message.walk() for d in p.defects],
            "type": message.get_content_type(),
            "reportType": message.get_param("report-type"),
            "from": str(message["from"]),
            "to": str(message["to"]),
            "autoSubmitted": str(message["auto-submitted"]),
            "parts": [p.get_content_type() for p in parts],
            "text": parts[0].get_content() if parts else "",
            # The first block is about the message, each other one about a recipient (RFC 3464 section 2.1).
            "blocks": [dict(block.items()) for block in status.get_payload()] if status else [],
            "returned": headers_of(returned),
        }
    )
)
