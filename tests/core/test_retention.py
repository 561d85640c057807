from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from adserver.core.retention import MAX_BYTES, MAX_GENERATIONS, Stored, oldest_kept

LIFE = 180_000.0
NOW = 10_000_000.0


def generations(
    *sizes: int, every: float = 100 * LIFE, live_since: float = 2 * LIFE
) -> list[Stored]:
    """Newest first; each was published so long before the next one."""
    return [
        Stored(len(sizes) - position, size, NOW - live_since - position * every)
        for position, size in enumerate(sizes)
    ]


def test_a_few_small_ones_are_all_kept() -> None:
    assert oldest_kept(generations(10, 10, 10), NOW, LIFE) == 1


def test_a_thousand_are_kept_and_no_more() -> None:
    stored = generations(*[10] * (MAX_GENERATIONS + 5))
    assert oldest_kept(stored, NOW, LIFE) == 6


def test_the_heavy_are_kept_as_long_as_they_fit() -> None:
    quarter = MAX_BYTES // 4
    assert oldest_kept(generations(quarter, quarter, quarter, 1, 1), NOW, LIFE) == 1
    assert oldest_kept(generations(quarter, quarter, quarter, quarter, 1), NOW, LIFE) == 2


def test_the_live_one_is_kept_whatever_it_weighs() -> None:
    assert oldest_kept(generations(2 * MAX_BYTES, 1), NOW, LIFE) == 2


def test_what_was_live_a_moment_ago_is_kept_whatever_it_weighs() -> None:
    stored = generations(MAX_BYTES, MAX_BYTES, MAX_BYTES, 1, live_since=LIFE - 1)
    assert oldest_kept(stored, NOW, LIFE) == 3
    stored = generations(MAX_BYTES, MAX_BYTES, MAX_BYTES, 1, live_since=LIFE + 1)
    assert oldest_kept(stored, NOW, LIFE) == 4


@given(
    st.lists(st.tuples(st.integers(0, MAX_BYTES), st.floats(0, 10 * LIFE)), min_size=1, max_size=20)
)
def test_what_is_kept_is_needed_or_fits(drawn: list[tuple[int, float]]) -> None:
    began, stored = NOW, []
    for position, (size, lasted) in enumerate(drawn):
        began -= lasted
        stored.append(Stored(len(drawn) - position, size, began))
    oldest = oldest_kept(stored, NOW, LIFE)
    kept = [one for one in stored if one.number >= oldest]
    ended = [NOW, *(one.began for one in stored)]
    needed = [one for one, end in zip(stored, ended, strict=False) if end + LIFE > NOW]
    assert {one.number for one in needed} <= {one.number for one in kept}
    beyond = [one for one in kept if one not in needed]
    assert not beyond or sum(one.size_bytes for one in kept) <= MAX_BYTES
    if len(kept) < len(stored):
        first_gone = stored[len(kept)]
        assert sum(o.size_bytes for o in kept) + first_gone.size_bytes > MAX_BYTES
