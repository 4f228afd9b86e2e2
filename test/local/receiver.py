"""An SMTP receiver on aiosmtpd: it notes each message as one line of JSON, and keeps its exact octets if asked to.

The local part of a recipient says how it is answered: `550.anything` is refused for good, `451.anything` for now,
`451once.anything` for now the first time, and `552dot.anything` after the final dot; all others are accepted.
"""

import argparse
import asyncio
import hashlib
import json
import logging
import os
import signal
import ssl
import time

from aiosmtpd.smtp import SMTP, AuthResult

REPLIES = {
    "550": "550 5.1.1 no such mailbox",
    "451": "451 4.2.1 mailbox busy",
}
LOAD_ID = b"X-Load-Id: "


class Receiver:
    def __init__(self, log, store):
        self.log = log
        self.store = store
        # A receiver that was stopped goes on with the numbers that it gave before, and so with the files.
        with open(log.name, "rb") as before:
            self.count = sum(1 for _ in before)
        self.refused_once = set()

    async def handle_RCPT(self, server, session, envelope, address, options):
        answer = address.split(".", 1)[0]
        if answer == "451once" and address not in self.refused_once:
            self.refused_once.add(address)
            answer = "451"
        if answer in REPLIES:
            return REPLIES[answer]
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 ok"

    async def handle_DATA(self, server, session, envelope):
        if any(r.startswith("552dot.") for r in envelope.rcpt_tos):
            return "552 5.3.4 message too large for me"
        self.count += 1
        content = envelope.original_content
        arrival = {
            "number": self.count,
            "at": time.time(),
            # aiosmtpd gives the null reverse-path as it was written, with its angle brackets.
            "reversePath": "" if envelope.mail_from == "<>" else envelope.mail_from,
            "forwardPaths": envelope.rcpt_tos,
            "tls": session.ssl is not None,
            "login": session.auth_data.decode() if session.authenticated and session.auth_data else None,
            "bytes": len(content),
        }
        at = content.find(LOAD_ID)
        if at >= 0:
            # The client's text begins here; fields that the relay put before it are not compared.
            arrival["id"] = content[at + len(LOAD_ID) : content.index(b"\r\n", at)].decode()
            arrival["digest"] = hashlib.sha256(content[at:]).hexdigest()
        if self.store:
            arrival["file"] = os.path.join(self.store, f"{self.count:06}.eml")
            with open(arrival["file"], "wb") as file:
                file.write(content)
        self.log.write(json.dumps(arrival) + "\n")
        self.log.flush()
        return f"250 2.0.0 kept as {self.count}"


def authenticator(username, password):
    def check(server, session, envelope, mechanism, data):
        right = (username.encode(), password.encode())
        given = (data.login, data.password)
        return AuthResult(success=given == right, handled=False, auth_data=data.login)

    return check


async def main(o):
    receiver = Receiver(open(o.log, "a"), o.store)
    options = {"hostname": "receiver.test", "enable_SMTPUTF8": True}
    if o.cert:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(o.cert, o.key)
        options.update(tls_context=tls, require_starttls=True)
    if o.username:
        options.update(authenticator=authenticator(o.username, o.password), auth_required=True)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(receiver, **options), o.host, o.port)
    print(server.sockets[0].getsockname()[1], flush=True)
    ended = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    await ended.wait()


if __name__ == "__main__":
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--host", default="127.0.0.1")
    arguments.add_argument("--port", type=int, default=0)
    arguments.add_argument("--log", required=True)
    arguments.add_argument("--store")
    arguments.add_argument("--cert")
    arguments.add_argument("--key")
    arguments.add_argument("--username")
    arguments.add_argument("--password")
    logging.disable(logging.CRITICAL)
    asyncio.run(main(arguments.parse_args()))
