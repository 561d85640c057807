"""Certificates made for one test by openssl: an authority, a server's and a client's."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.programs import needs

DAYS = "2"
NAMES = "subjectAltName=IP:127.0.0.1,DNS:localhost"


@dataclass(frozen=True, slots=True)
class Certificates:
    """folder: has `NAME.crt` and `NAME.key` of `ca`, `server` and `client`, and of `stranger`,
    which another authority has signed."""

    folder: Path

    def of(self, name: str) -> tuple[str, str]:
        return str(self.folder / f"{name}.crt"), str(self.folder / f"{name}.key")

    @property
    def settings(self) -> dict[str, str]:
        """What a server needs in its configuration."""
        certificate, key = self.of("server")
        return {
            "tls-cert-file": certificate,
            "tls-key-file": key,
            "tls-ca-cert-file": self.of("ca")[0],
            "tls-auth-clients": "yes",
            "tls-replication": "yes",
        }

    @property
    def options(self) -> str:
        """What stands behind the `?` of a client's address."""
        return self.options_with("client")

    def options_with(self, name: str) -> str:
        certificate, key = self.of(name)
        named = {"ssl_ca_certs": self.of("ca")[0], "ssl_certfile": certificate, "ssl_keyfile": key}
        return urlencode(named, safe="/")

    @property
    def options_of_a_client(self) -> dict[str, Any]:
        certificate, key = self.of("client")
        return {
            "ssl": True,
            "ssl_ca_certs": self.of("ca")[0],
            "ssl_certfile": certificate,
            "ssl_keyfile": key,
        }


def make_certificates(folder: Path) -> Certificates:
    made = Certificates(folder / "tls")
    made.folder.mkdir()
    for authority in ("ca", "another-ca"):
        sign(made, authority, [])
    for name, authority in (("server", "ca"), ("client", "ca"), ("stranger", "another-ca")):
        certificate, key = made.of(authority)
        sign(made, name, ["-CA", certificate, "-CAkey", key, "-addext", NAMES])
    return made


def sign(made: Certificates, name: str, by: list[str]) -> None:
    certificate, key = made.of(name)
    command = [needs("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt"]
    command += ["ec_paramgen_curve:prime256v1", "-nodes", "-days", DAYS, "-subj", f"/CN={name}"]
    kind = ["-addext", "basicConstraints=critical,CA:FALSE"] if by else []
    command += ["-keyout", key, "-out", certificate, *by, *kind]
    subprocess.run(command, check=True, capture_output=True)
