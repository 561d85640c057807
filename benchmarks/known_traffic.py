"""Weeks of traffic that a store has learnt, so that goals are paced from the first request on.

A store that has counted nothing takes a slot for one that is hardly asked for, every goal for one
that is out of reach, and gives it all that comes until the first hour is over: that is no state
that a publisher's store is in for long.
"""

from __future__ import annotations

import time

from adserver.core.forecast import HOUR_SECONDS, HOURS_A_WEEK, History
from adserver.settings import Settings
from adserver.store.traffic import THROUGH, pack
from adserver.wiring.control import opened

WEEKS = 4.0


def learnt(settings: Settings, slots: int, per_second: float) -> None:
    """Each of the slots, by their numbers from 1 on, has been asked for so often at all hours.

    Before the first server is started; the publisher's time zone has whole hours.
    """
    through = int(time.time()) // HOUR_SECONDS * HOUR_SECONDS
    an_hour = per_second * HOUR_SECONDS
    history = History(
        requests=(an_hour * WEEKS,) * HOURS_A_WEEK,
        weeks=(WEEKS,) * HOURS_A_WEEK,
        recent=an_hour,
        promised=an_hour,
        through=through,
    )
    fields: dict[str | bytes, str | bytes | int | float] = {
        str(number): pack(history) for number in range(1, slots + 1)
    }
    with opened(settings) as (store, keys):
        store.hset(keys.traffic, mapping={**fields, THROUGH: through})
