"""A change of which the answer was lost is made once, whatever others do until it is repeated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from redis.exceptions import ConnectionError as Lost
from redis.exceptions import ReadOnlyError, ResponseError

from adserver.core.errors import LiveHasMoved, OutcomeUnknown, StoreUnavailable
from adserver.core.pauses import Verb
from adserver.store import repeating
from adserver.store.catalogs import StoredCatalogs
from adserver.store.keys import Keys
from adserver.store.pauses import StoredPauses
from adserver.store.repeating import repeated
from adserver.store.script import Script
from tests.factories import campaign, catalog
from tests.store.test_catalogs import publish
from tests.store.test_pauses import BRULERIE, act, lift, put


class Losing:
    """A client that loses the first call of one script, or its answer; meanwhile: what others do
    before that is noticed."""

    def __init__(
        self, store: Any, script: str, meanwhile: Callable[[], object], *, made: bool
    ) -> None:
        self._store = store
        self._digest = Script.named(script).digest
        self._meanwhile = meanwhile
        self._made = made

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def evalsha(self, digest: str, *arguments: Any) -> Any:
        if digest != self._digest:
            return self._store.evalsha(digest, *arguments)
        self._digest = ""
        if self._made:
            self._store.evalsha(digest, *arguments)
        self._meanwhile()
        raise Lost("gone")


@pytest.fixture
def catalogs(store: Any, keys: Keys) -> StoredCatalogs:
    made = StoredCatalogs(store, keys)
    publish(made)  # the store knows the script
    return made


def test_what_was_live_when_somebody_else_applied_on_top_of_it_was_live(
    catalogs: StoredCatalogs, store: Any, keys: Keys
) -> None:
    def go_on() -> None:
        catalogs.note_commit(2, "4fd3")
        publish(catalogs, 2)

    losing: Any = Losing(store, "publish", go_on, made=True)
    assert publish(StoredCatalogs(losing, keys), 1, catalog(campaign("a"))).number == 2
    found = catalogs.generation(2)
    assert found is not None
    assert [one.name for one in found[0].catalog.campaigns] == ["a"]
    assert [one.number for one in catalogs.history(9)] == [3, 2, 1]


def test_whoever_says_the_same_at_the_same_time_is_somebody_else(
    catalogs: StoredCatalogs, store: Any, keys: Keys
) -> None:
    losing: Any = Losing(store, "publish", lambda: publish(catalogs, 1), made=False)
    with pytest.raises(LiveHasMoved) as moved:
        publish(StoredCatalogs(losing, keys), 1)
    assert (moved.value.expected, moved.value.live) == (1, 2)


def test_a_store_that_lost_everything_meanwhile_has_not_published(
    catalogs: StoredCatalogs, store: Any, keys: Keys
) -> None:
    losing: Any = Losing(store, "publish", store.flushall, made=True)
    with pytest.raises(LiveHasMoved) as moved:
        publish(StoredCatalogs(losing, keys), 1)
    assert moved.value.live == 0


def test_what_was_lost_on_the_way_is_made_at_the_second_attempt(
    catalogs: StoredCatalogs, store: Any, keys: Keys
) -> None:
    losing: Any = Losing(store, "publish", lambda: None, made=False)
    published = publish(StoredCatalogs(losing, keys), 1)
    assert catalogs.history(9)[0] == published


def test_a_pause_that_somebody_has_resumed_meanwhile_stays_resumed(store: Any, keys: Keys) -> None:
    pauses = StoredPauses(store, keys)
    put(pauses, BRULERIE)
    lift(pauses, BRULERIE)
    losing: Any = Losing(store, "pause", lambda: lift(pauses, BRULERIE, 9e9), made=True)
    StoredPauses(losing, keys).act(act(BRULERIE, at=8e9), [], [BRULERIE])
    assert pauses.known() == []
    assert [one.verb for one in pauses.acts(2)] == [Verb.RESUME, Verb.PAUSE]


class Answers:
    """A change that is answered so, one after another."""

    def __init__(self, *answers: Exception | int) -> None:
        self._answers = list(answers)

    def __call__(self) -> int:
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_a_refusal_is_an_answer() -> None:
    with pytest.raises(StoreUnavailable, match="the store refused: no") as refused:
        repeated(Answers(ResponseError("no"), 7), "that was done", "adserver look")
    assert not isinstance(refused.value, OutcomeUnknown)


def test_a_refusal_says_nothing_of_what_was_sent_before() -> None:
    answers = Answers(Lost("gone"), ReadOnlyError("a replica"), 7)
    assert repeated(answers, "that was done", "adserver look") == 7


def test_a_store_that_stays_silent_leaves_it_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeating, "PATIENCE_SECONDS", 0.2)
    with pytest.raises(OutcomeUnknown) as unknown:
        repeated(Answers(Lost("gone")), "that was done", "adserver look")
    assert str(unknown.value) == (
        "the store did not answer: gone; it is not known whether that was done: `adserver look` "
        "shows it before you repeat"
    )
