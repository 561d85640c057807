"""Rules against invalid traffic, asked about the events of a worker."""

from __future__ import annotations

from adserver.core.invalid import Mode, Rule
from adserver.core.reasons import Discard
from adserver.core.ticket import FLAG_CONSENT
from adserver.serving.invalid import Invalid
from tests.serving.test_app import Worker, worker

__all__ = ["worker"]


async def test_a_dry_run_counts_apart_and_changes_nothing_else(worker: Worker) -> None:
    worker.state.invalid = Invalid({Rule.PREFETCH: Mode.DRY_RUN})
    path = f"/i/{worker.ticket()}"
    assert await worker.event(path, headers={"sec-purpose": "prefetch"}) == (200, "accepted")
    label = ("impression", "post-top", "prefetch")
    assert worker.count("events_would_discard_total") == {label: 1}
    await worker.memory.finish()
    assert {row: n for (_, row), n in worker.memory.counts.rows.items()} == {
        ("I.prefetch", 1, 1, 1): 1,
        ("i", 1, 1, 1): 1,
    }
    assert worker.count("events_discarded_total") == {}


async def test_a_rule_that_is_off_is_neither_counted_nor_tried(worker: Worker) -> None:
    worker.state.invalid = Invalid({Rule.PREFETCH: Mode.OFF})
    path = f"/i/{worker.ticket()}"
    assert await worker.event(path, headers={"sec-purpose": "prefetch"}) == (200, "accepted")
    assert worker.count("events_would_discard_total") == {}


def test_the_reasons_of_each_mode_are_known() -> None:
    modes = {Rule.CONSENT: Mode.DRY_RUN, Rule.UNMATCHED: Mode.DRY_RUN}
    more = dict.fromkeys(modes, lambda _: False)
    invalid = Invalid(modes, more)
    assert invalid.reasons(Mode.DISCARD) == (Discard.PREFETCH,)
    assert invalid.reasons(Mode.DRY_RUN) == (Discard.CONSENT, Discard.UNMATCHED)


async def test_by_choice_only_ads_of_readers_who_agreed_count(worker: Worker) -> None:
    worker.state.invalid = Invalid({Rule.CONSENT: Mode.DISCARD})
    assert await worker.event(f"/i/{worker.ticket(1, flags=FLAG_CONSENT)}") == (200, "accepted")
    refused = (200, "discarded; reason=consent")
    assert await worker.event(f"/i/{worker.ticket(2)}") == refused
    worker.state.invalid = Invalid()
    assert await worker.event(f"/i/{worker.ticket(2)}") == (200, "accepted")
