"""From records to what a shard is sent: everything once, in order, and no more than fits."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from adserver.core.batch import MAX_EVENTS_PER_BATCH, Mark
from adserver.core.hour import Hour
from adserver.core.parts import Written, part_of, put_together
from adserver.core.record import EVENT, Content

HOURS = (Hour("one", 0, 3_600), Hour("two", 3_600, 7_200))
FULL = MAX_EVENTS_PER_BATCH * EVENT.size


def written(*records: tuple[Content, int, Hour]) -> list[Written]:
    """Records by content, events or tallies in them, and hour; each of bytes of its own."""
    return [
        Written(Mark(number, number * 7), content, bytes([number % 250 + 1]) * EVENT.size * many, h)
        for number, (content, many, h) in enumerate(records, 1)
    ]


def test_events_that_follow_each_other_are_one_that_ends_with_the_last() -> None:
    records = written(*[(Content.EVENTS, 2, HOURS[0])] * 3)
    [one] = put_together(records)
    assert one.mark == records[-1].mark
    assert one.payload == b"".join(record.payload for record in records)


def test_tallies_and_another_hour_stand_between() -> None:
    records = written(
        (Content.EVENTS, 1, HOURS[0]),
        (Content.TALLIES, 1, HOURS[0]),
        (Content.EVENTS, 1, HOURS[0]),
        (Content.EVENTS, 1, HOURS[1]),
    )
    assert list(put_together(records)) == records


RECORDS = st.lists(
    st.tuples(
        st.sampled_from([Content.EVENTS, Content.TALLIES]),
        st.sampled_from([1, 2, 400, 1_000]),
        st.sampled_from(HOURS),
    ),
    max_size=12,
)


@given(RECORDS)
def test_everything_is_there_once_in_order_and_within_a_batch(
    records: list[tuple[Content, int, Hour]],
) -> None:
    before = written(*records)
    after = list(put_together(before))
    assert b"".join(one.payload for one in after) == b"".join(one.payload for one in before)
    assert [one.mark for one in after] == sorted(one.mark for one in after)
    assert all(len(one.payload) <= FULL for one in after if one.content is Content.EVENTS)
    assert [one for one in after if one.content is Content.TALLIES] == [
        one for one in before if one.content is Content.TALLIES
    ]


def test_an_hour_and_a_tally_of_another_shard_are_nothing_to_it() -> None:
    mark = Mark(1, 2)
    assert part_of(Content.HOUR, b"", mark, HOURS[0], 7, 0, 1) is None
    assert part_of(Content.TALLIES, b"r:0:1:1 1\n", mark, HOURS[0], 7, 6, 16) is None
    assert part_of(Content.TALLIES, b"r:0:1:1 1\n", mark, HOURS[0], 7, 7, 16) is not None
