"""The ad server, but for one thing: a good beacon is answered 204 and nothing is counted.

`python -m benchmarks.uncounted serve …` takes what `python -m adserver` takes. What counting
costs is the difference.
"""

from __future__ import annotations

from adserver.cli import main
from adserver.core.events import Kind
from adserver.serving.at_once import ROUTES
from adserver.serving.beacons import BY_METHOD, standing
from adserver.serving.http import Prompt, Scope
from adserver.serving.state import State


def beacon(state: State, scope: Scope, text: str) -> Prompt:
    ticket = state.sealer.unseal(text)
    return BY_METHOD["POST"][standing(state, scope, ticket, Kind.IMPRESSION)]


ROUTES[b"i"] = ROUTES[b"i"]._replace(handler=beacon)

if __name__ == "__main__":
    main()
