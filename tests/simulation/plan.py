"""What a seed decides before anything happens: how large the world is, and its weather."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

# How often each fault comes, beside 100 for a burst of events; a seed leaves some out.
FAULTS: dict[str, int] = {
    "crash": 8,
    "leave": 4,
    "power_cut": 4,
    "pause": 5,
    "sync_fails": 6,
    "write_fails": 6,
    "disk_full": 2,
    "flip": 2,
    "store_away": 6,
    "roll_back": 6,
    "empty": 2,
    "clock": 3,
    "twin": 1,
    "long_night": 1,
}
# Of a hundred calls, how many meet which fate.
FATES = ("lost", "unanswered", "late", "doubled")


@dataclass(frozen=True, slots=True)
class Plan:
    """seconds: from one step to the next, about. look_seconds: between two looks after journals.

    life: of a ticket, seconds. roll_back_seconds: how far at most.
    """

    shards: int
    nodes: int
    workers: int
    always: bool
    steps: int
    seconds: float
    look_seconds: float
    life: int
    journal_bytes: int
    faults: dict[str, int]
    fates: dict[str, float]
    roll_back_seconds: float
    knobs: dict[str, int] = field(default_factory=dict)


def plan_of(
    rng: Random, faults: dict[str, int] | None = None, fates: dict[str, float] | None = None
) -> Plan:
    """faults, fates: instead of those that the seed would have."""
    shards = rng.choice([1, 1, 1, 16])
    steps = rng.randint(40, 160)
    # From a second's scramble to hours in which everything comes one at a time.
    seconds = rng.choice([0.01, 0.3, 2.0, 10.0, 10.0])
    look = max(1.0, steps * seconds / (12 if shards > 1 else 40))
    faults = some_faults(rng) if faults is None else dict(faults)
    small = rng.random() < 0.15
    if small:
        # A journal at its limit drops what is in the store, so a rollback may find it gone.
        for name in ("roll_back", "empty"):
            faults.pop(name, None)
    return Plan(
        shards=shards,
        nodes=rng.choice([1, 2, 2]),
        workers=rng.choice([1, 2, 2, 3]) if shards == 1 else rng.choice([1, 2]),
        always=rng.random() < 0.8,
        steps=steps,
        seconds=seconds,
        look_seconds=look,
        life=7_200 if "long_night" in faults else rng.choice([7_200, 86_400]),
        journal_bytes=rng.randint(2_000, 6_000) if small else rng.choice([30_000, 1_000_000]),
        faults=faults,
        fates={fate: rng.choice([0.0, 0.02, 0.15]) for fate in FATES} | (fates or {}),
        roll_back_seconds=600.0 - 4 * look - 10.0,
        knobs=knobs_of(rng),
    )


def some_faults(rng: Random) -> dict[str, int]:
    faults = {name: weight for name, weight in FAULTS.items() if rng.random() < 0.45}
    if rng.random() < 0.6:
        # What they take away others cannot break, so most seeds are without.
        for name in ("twin", "long_night", "flip"):
            faults.pop(name, None)
    if "twin" in faults:
        # Twins are told apart while one of them lives. A ledger that is further than a journal
        # that was found is also what a power cut leaves in `interval` mode, and is believed.
        for name in ("crash", "leave", "power_cut", "long_night"):
            faults.pop(name, None)
    return faults


def knobs_of(rng: Random) -> dict[str, int]:
    """Limits so small that they are met; half of the seeds keep those of every day."""
    if rng.random() < 0.5:
        return {}
    batch = rng.choice([1, 3, 1_000])
    return {
        "MAX_EVENTS_PER_BATCH": batch,
        "MAX_TALLIES_PER_BATCH": batch,
        "MAX_EVENTS_WAITING": rng.choice([4, 20_000]),
        "MAX_PARTS_QUEUED": rng.choice([2, 5, 20_000]),
        "MAX_PARTS_READ": 2 * batch,  # as many as a shipment has at most, as every day
        "RECORDS_PER_CHECKPOINT": rng.choice([1, 3, 1_024]),
        "MAX_FILE_BYTES": rng.choice([300, 2_000, 16 * 1024 * 1024]),
    }
