"""TLS to the store: one context for all connections of a process.

redis-py makes one for each connection, and reading the system's authorities takes a tenth of a
second, in which nobody would be served.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import Any

from adserver.core.errors import SettingsError


@dataclass(frozen=True, slots=True)
class Tls:
    """Files, "" where there is none. ca: whom to trust, instead of the system's authorities."""

    ca: str = ""
    certificate: str = ""
    key: str = ""
    check_hostname: bool = True

    def context(self) -> ssl.SSLContext:
        try:
            context = ssl.create_default_context(cafile=self.ca or None)
            context.check_hostname = self.check_hostname
            if self.certificate:
                context.load_cert_chain(self.certificate, self.key)
        except OSError as error:
            named = ", ".join(name for name in (self.ca, self.certificate, self.key) if name)
            raise SettingsError(
                f"--redis names certificates that cannot be used ({named}): {error}; expected "
                "PEM files, and a key that fits its certificate"
            ) from error
        return context

    def options(self) -> dict[str, Any]:
        """Of redis-py's clients that are not asynchronous."""
        self.context()  # tells a person what is wrong with the files; redis-py would try again
        files = {"ssl_ca_certs": self.ca, "ssl_certfile": self.certificate, "ssl_keyfile": self.key}
        return {
            "ssl": True,
            "ssl_check_hostname": self.check_hostname,
            **{name: file for name, file in files.items() if file},
        }
