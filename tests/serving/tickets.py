"""Tickets of a real server, and what it says of slots and of events."""

from __future__ import annotations

import re
from typing import Any

import httpx

from adserver.core.ticket import Sealer
from tests.servers import SECRET_KEY, Running

TICKET = re.compile(r"/i/([\w-]{56})")
A_DAY = 86_400
FILLED = ["words", "picture", "rich", "own"]
EVENTS = ["i", "v", "c"]
# What is said of a click that counts: a disk that takes longer than a click waits makes it pending.
CLICKED = {"accepted", "pending"}


def ticket(ads: Running, slot: str = "words", **options: Any) -> str:
    """A new one, of an ad just served."""
    found = TICKET.search(ads.get(f"/slots/{slot}", **options).text)
    assert found
    return found[1]


def aged(text: str, seconds: int) -> str:
    """The same ticket, as if it had been served earlier."""
    sealer = Sealer([SECRET_KEY.encode()])
    before = sealer.unseal(text)
    return sealer.seal(before._replace(time=before.time - seconds)).decode()


def said(answer: httpx.Response) -> str:
    return answer.headers["x-ad-event"]


def decided(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    decisions: list[dict[str, Any]] = answer.json()["decisions"]
    return decisions
