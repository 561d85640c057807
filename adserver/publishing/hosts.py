"""Hosts with other letters than ASCII, shown as people read them and as they are sent."""

from __future__ import annotations

import idna

from adserver.publishing.findings import Findings, Placed
from adserver.publishing.links import Address
from adserver.publishing.lookalikes import mixes_scripts, scripts
from adserver.publishing.nodes import quoted

IN_ASCII = "xn--"


def tell_of_host(address: Address, at: Placed, findings: Findings) -> None:
    """Both notations of an international host; a warning where a word mixes alphabets."""
    labels = address.host.split(".")
    if not any(label.startswith(IN_ASCII) for label in labels):
        return
    read = [idna.decode(one) if one.startswith(IN_ASCII) else one for one in labels]
    message = f"leads to {'.'.join(read)} ({address.host})"
    mixed = next((label for label in read if mixes_scripts(label)), None)
    if mixed is None:
        findings.notice(at, "foreign_host", message)
        return
    names = " and ".join(sorted(name.capitalize() for name in scripts(mixed)))
    message = f"{message}; {quoted(mixed)} mixes {names} letters"
    findings.warning(at, "mixed_host", message, "compare it with the address that you were given")
