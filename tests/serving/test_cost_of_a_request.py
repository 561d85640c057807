"""What a request costs is what it cost when its numbers were stored (`make cost`).

Counted, not timed, so that it holds however busy the machine is. Controls are rows of the same run,
with work planted beside the app that a request should not do: each must be complained of.
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from benchmarks.cost import GUARDED, PYTHON, Numbers, complaints, numbers_of, stored
from benchmarks.instructions import Harness, cost_of, write_generation
from benchmarks.planted import PLANTED
from tests.programs import needs

# It works for half a minute, and others work beside it.
pytestmark = pytest.mark.timeout(480)

CONTROLS = {f"S + {planted}": "S" for planted in PLANTED}


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Numbers]:
    needs("valgrind")
    needs("strace")
    folder = tmp_path_factory.mktemp("cost")
    costs = cost_of([*GUARDED, *CONTROLS], Harness(folder, write_generation(folder)))
    return {row: numbers_of(cost) for row, cost in costs.items()}


@pytest.mark.parametrize("row", GUARDED)
def test_a_request_costs_what_it_did(row: str, counted: Mapping[str, Numbers]) -> None:
    python, before = stored()
    if python != PYTHON:
        pytest.skip(f"THE NUMBERS ARE OF PYTHON {python}; `make cost` stores those of {PYTHON}")
    assert list(complaints(row, before[row], counted[row])) == []


@pytest.mark.parametrize("row", CONTROLS)
def test_what_a_request_should_not_do_is_noticed(row: str, counted: Mapping[str, Numbers]) -> None:
    now, before = counted[row], counted[CONTROLS[row]]
    more = list(complaints("S", before, now))
    assert any("shows what grew" in one for one in more)
    fewer = list(complaints("S", now, before))
    assert len(fewer) == len(more)
    assert all("`make cost` stores the new numbers, so that" in one for one in fewer)
