"""A mail server (Debian's python3-aiosmtpd) for tests/telling/mail.rs: mail_server.py DIRECTORY.

DIRECTORY holds server.pem and server.key, and gets each mail as N.json: the addresses, whether it came
by TLS, the account, and the bytes. `options` in it holds words: `plain` offers no STARTTLS, `account`
takes mail only of user@example.org with the password canary-smtp-password. The port goes to the output.
"""

import asyncio
import json
import pathlib
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

where = pathlib.Path(sys.argv[1])
options = (where / "options").read_text().split()


class Handler:
    count = 0

    async def handle_RCPT(self, server, session, envelope, address, rcpt_options):
        if address.startswith("gone"):
            return "550 5.1.1 no such user canary-smtp-password"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.count += 1
        mail = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "tls": session.ssl is not None,
            "known": bool(session.authenticated),
            "text": envelope.content.decode("ascii"),
        }
        (where / f"{self.count}.json").write_text(json.dumps(mail))
        return "250 OK"


def known(server, session, envelope, mechanism, data):
    right = data.login == b"user@example.org" and data.password == b"canary-smtp-password"
    return AuthResult(success=right)


handler = Handler()


def smtp():
    tls = None
    if "plain" not in options:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(where / "server.pem", where / "server.key")
    account = "account" in options
    return SMTP(
        handler,
        hostname="mail.example",
        tls_context=tls,
        authenticator=known if account else None,
        auth_required=account,
        auth_require_tls=tls is not None,
    )


async def serve():
    server = await asyncio.get_running_loop().create_server(smtp, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(serve())
