"""Tickets for many distinct events: those that a server gives, each under numbers of its own.

They name the campaigns, creatives, slots and reserved room that readers of just now were given, so
that their events are all that events are in life. The numbers are those of a writer of ours, and
no two are the same.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import secrets
from collections.abc import Sequence
from pathlib import Path

from adserver.core.ticket import Sealer, Ticket
from benchmarks.load import BROWSER
from benchmarks.servers import Server

PAGE = "/decisions?slots=home-top,post-top,post-bottom&"


def given(server: Server, sealer: Sealer, queries: Sequence[str]) -> list[Ticket]:
    """The tickets of the ads that the server gives to those pages now."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    found = []
    with contextlib.closing(connection):
        for query in queries:
            connection.request("GET", PAGE + query, headers=BROWSER)
            made = json.loads(connection.getresponse().read())["decisions"]
            urls = [one["impression_url"] for one in made if one["filled"]]
            found += [sealer.unseal(url.rpartition("/")[2]) for url in urls]
    return found


def write(
    path: Path, sealer: Sealer, alike: Sequence[Ticket], many: int, arriving: float = 1.0
) -> Path:
    """A file of `many` tickets, one a line, each as one of `alike`.

    arriving: the share of them that is written, in tenths, as the others never come back.
    """
    writer = secrets.randbits(32)
    with path.open("wb") as file:
        for serial in range(many):
            if serial % 10 < arriving * 10:
                ticket = alike[serial % len(alike)]._replace(writer=writer, serial=serial)
                file.write(sealer.seal(ticket) + b"\n")
    return path
