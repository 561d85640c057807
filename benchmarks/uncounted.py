"""The ad server, but for one thing: a good beacon is answered 204 and nothing is counted.

`python -m benchmarks.uncounted serve …` takes what `python -m adserver` takes. What counting
costs is the difference.
"""

from __future__ import annotations

from adserver.cli import main
from adserver.core.events import Kind
from adserver.serving import app
from adserver.serving.beacons import POST_HEADS, standing
from adserver.serving.http import Receive, Scope, Send, respond
from adserver.serving.state import State


async def beacon(state: State, scope: Scope, _receive: Receive, send: Send, text: str) -> int:
    ticket = state.sealer.unseal(text)
    await respond(send, 204, POST_HEADS[standing(state, scope, ticket, Kind.IMPRESSION)])
    return 204


label, methods, _ = app.ROUTES["i"]
app.ROUTES["i"] = (label, methods, beacon)

if __name__ == "__main__":
    main()
