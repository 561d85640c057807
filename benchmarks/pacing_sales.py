"""What a publisher has sold of its traffic, and what is known of who may have what.

Goals come to the booked load: a share of the impressions that arrive of all the requests that
really come, spike and slump included. `sold` takes it from every cell in every hour, split by
random weights among those that may have it: such a world can be delivered in full, so a campaign
that ends short is pacing's doing. `sold_blind` looks at nothing but each campaign's own traffic:
some cells are sold twice, others hardly.
"""

from __future__ import annotations

from collections import Counter
from itertools import accumulate, pairwise
from random import Random

# By hour and slot, requests; by slot and cell, (share of the slot, campaigns that may have it).
Hours = list[list[float]]
Cells = list[list[tuple[float, list[int]]]]

# Beacons that never come: blocked, or the reader left before the ad began to render.
LOST = 0.04
# Requests of each slot that campaigns' shares are estimated from.
SAMPLE = 2_000
# Goals differ by the exp of this much; what a campaign has of one section and of the next, too.
SIZES, PATCHY = 0.8, 1.0
# Single cells are booked by this share more or less than the whole, none beyond FULLEST.
UNEVEN, FULLEST = 0.15, 0.985
# No campaign is sold more than this of what it may have; sold blind, what that cuts is sold anew.
MOST_OF_ITS_OWN, ROUNDS = 0.7, 20
# How the readers of a slot divide by section.
SECTIONS = (0.30, 0.22, 0.18, 0.14, 0.10, 0.06)


def sold(
    load: float, hours: Hours, cells: Cells, flights: list[tuple[int, int]], rng: Random
) -> list[float]:
    """Each campaign's goal: its part of what arrives of the cells that it may have."""
    size = [rng.lognormvariate(0.0, SIZES) for _ in flights]
    unevenness = min(UNEVEN * load, FULLEST - load)
    loads = [[load + rng.uniform(-unevenness, unevenness) for _ in kinds] for kinds in cells]
    # Who sold what first: a campaign has much of one section of a slot and little of the next.
    taste = [[[rng.lognormvariate(0.0, PATCHY) for _ in SECTIONS] for _ in size] for _ in cells]
    goals = [0.0] * len(flights)
    edges = sorted({edge for flight in flights for edge in flight})
    for first, last in pairwise(edges):
        live = [f[0] <= first and last <= f[1] for f in flights]
        for slot, kinds in enumerate(cells):
            requests = sum(hours[hour][slot] for hour in range(first, last)) * (1 - LOST)
            for k, (share, may) in enumerate(kinds):
                section = k // (len(kinds) // len(SECTIONS))
                weight = {c: size[c] * taste[slot][c][section] for c in may if live[c]}
                total = sum(weight.values())
                for c, one in weight.items():
                    goals[c] += requests * share * loads[slot][k] * one / total
    return goals


def sold_blind(
    load: float, hours: Hours, cells: Cells, flights: list[tuple[int, int]], rng: Random
) -> list[float]:
    """Each campaign's goal: a random part of all that it may have, whoever else may have it."""
    may_have = [0.0] * len(flights)
    for slot, kinds in enumerate(cells):
        requests = [0.0, *accumulate(by_slot[slot] for by_slot in hours)]
        for share, may in kinds:
            for c in may:
                may_have[c] += share * (requests[flights[c][1]] - requests[flights[c][0]])
    arriving = sum(map(sum, hours)) * (1 - LOST) * load
    goals = [most * rng.lognormvariate(0.0, SIZES) for most in may_have]
    for _ in range(ROUNDS):  # what the cap takes from some is sold to the others
        scale = arriving / sum(goals)
        goals = [min(g * scale, MOST_OF_ITS_OWN * m) for g, m in zip(goals, may_have, strict=True)]
    return goals


def sampled(cells: Cells, rng: Random) -> list[Counter[int]]:
    """Of each slot, a sample of its requests: how many came of which cell."""
    return [
        Counter(
            rng.choices(
                range(len(kinds)), cum_weights=list(accumulate(s for s, _ in kinds)), k=SAMPLE
            )
        )
        for kinds in cells
    ]


def estimated(cells: Cells, samples: list[Counter[int]], campaigns: int) -> list[list[float]]:
    """The share of each slot that a campaign may have, from a sample of the slot's requests."""
    shares = [[0.0] * len(cells) for _ in range(campaigns)]
    for slot, (kinds, sample) in enumerate(zip(cells, samples, strict=True)):
        for cell, many in sample.items():
            for c in kinds[cell][1]:
                shares[c][slot] += many / SAMPLE
    return shares
