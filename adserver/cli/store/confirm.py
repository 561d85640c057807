"""The question before something goes that cannot be had back."""

from __future__ import annotations

from adserver.cli import output
from adserver.cli.options import Invocation


def agreed(invocation: Invocation, question: str) -> bool:
    if invocation.confirmed:
        return True
    if not output.can_ask():
        output.complain("Nothing was changed: there is nobody to ask here; say --yes to go on.")
        return False
    if output.ask(question):
        return True
    output.complain("Nothing was changed.")
    return False
