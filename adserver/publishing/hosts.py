"""Hosts with other letters than ASCII, shown as people read them and as they are sent."""

from __future__ import annotations

import re

import idna

from adserver.publishing.alphabets import mixes_scripts, scripts
from adserver.publishing.findings import Findings, Placed
from adserver.publishing.links import Address
from adserver.publishing.nodes import quoted

IN_ASCII = "xn--"
HOST = re.compile(r"https?://([^/?#:]*)")


def tell_of_host(address: Address, at: Placed, findings: Findings) -> None:
    """Both notations of an international host; a warning where a word mixes alphabets."""
    labels = address.host.split(".")
    if not any(label.startswith(IN_ASCII) for label in labels):
        return
    read = [in_letters(label) for label in labels]
    message = f"leads to {'.'.join(read)} ({address.host})"
    mixed = next((label for label in read if mixes_scripts(label)), None)
    if mixed is None:
        findings.notice(at, "foreign_host", message)
        return
    names = " and ".join(sorted(name.capitalize() for name in scripts(mixed)))
    message = f"{message}; {quoted(mixed)} mixes {names} letters"
    findings.warning(at, "mixed_host", message, "compare it with the address that you were given")


def in_letters(label: str) -> str:
    return idna.decode(label) if label.startswith(IN_ASCII) else label


def with_letters(link: str) -> str:
    """A good address, and behind it its host as people read it, if that is another notation."""
    found = HOST.match(link)
    host = found[1] if found else ""
    read = ".".join(in_letters(label) for label in host.split("."))
    return link if read == host else f"{link} ({read})"
