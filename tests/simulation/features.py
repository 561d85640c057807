"""What a run is made with; a control takes one of them away."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from adserver.serving.journals import Journals
from tests.simulation.store import Rules


@dataclass(frozen=True, slots=True)
class Features:
    """What protects the counts. replaced: names in the modules of `serving`."""

    rules: Rules = field(default_factory=Rules)
    syncs: bool = True
    names: bool = True
    locks: bool = True
    journals: type[Journals] = Journals
    replaced: dict[str, Any] = field(default_factory=dict)
