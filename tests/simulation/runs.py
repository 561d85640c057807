"""A seed's run, and what is said of one that failed."""

from __future__ import annotations

import subprocess
import traceback
from dataclasses import dataclass
from pathlib import Path

from tests.simulation.controls import CONTROLS
from tests.simulation.oracle import Violation
from tests.simulation.world import World

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Run:
    """weather: the control whose faults there are; without: the one whose protection is off."""

    seed: int
    weather: str = ""
    without: str = ""

    def world(self, *, talks: bool = False) -> World:
        name = self.without or self.weather
        control = CONTROLS[name] if name else None
        return World(
            self.seed,
            control.without if control and self.without else None,
            control.faults if control else None,
            control.fates if control else None,
            talks=talks,
        )

    def failure(self, *, talks: bool = False) -> str:
        """What was wrong in the end, or ""."""
        try:
            self.world(talks=talks).live()
        except Violation as violation:
            return str(violation)
        except Exception:
            return traceback.format_exc()
        return ""

    @property
    def command(self) -> str:
        options = {"seed": str(self.seed), "weather": self.weather, "without": self.without}
        words = [f"--{name} {value}" for name, value in options.items() if value]
        return " ".join(["python -m tests.simulation", *words])

    def report(self, problem: str) -> str:
        where = f"seed {self.seed} at commit {commit()}"
        return f"{where}:\n{problem}\nagain, told aloud: {self.command} --talk"


def commit() -> str:
    """Of the code that ran; `+` where files differ from it."""
    asked = subprocess.run(
        ["git", "describe", "--always", "--dirty=+"],
        cwd=HERE,
        capture_output=True,
        text=True,
        check=False,
    )
    return asked.stdout.strip() or "unknown"
