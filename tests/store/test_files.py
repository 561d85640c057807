"""Files in the store: each once, and thousands of them in few calls."""

from __future__ import annotations

from typing import Any

from adserver.core.assets import Asset
from adserver.store.files import BYTES_A_CALL, DIGESTS_A_CALL, FILES_A_CALL, StoredFiles, calls
from adserver.store.keys import Keys

MANY = 2 * DIGESTS_A_CALL + 7


class Counting:
    """A client that counts how often the store is asked."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.asked = 0

    def zadd(self, *words: Any, **options: Any) -> Any:
        self.asked += 1
        return self.client.zadd(*words, **options)

    def pipeline(self, **options: Any) -> Any:
        self.asked += 1
        return self.client.pipeline(**options)


def test_thousands_of_files_are_few_calls(store: Any, keys: Keys) -> None:
    assets = {f"a{n}": Asset(b"%d" % n, "image/png") for n in range(MANY)}
    sources = {f"s{n}": b"%d" % n for n in range(MANY)}
    counting = Counting(store)
    files = StoredFiles(counting, keys)
    digests = [*assets, *sources]
    asking = 2 * -(-len(digests) // DIGESTS_A_CALL)
    assert files.claim(1, digests) == digests
    assert counting.asked == asking
    files.put(assets, sources)
    assert counting.asked == asking + 2 * -(-MANY // FILES_A_CALL)
    counting.asked = 0
    assert files.claim(2, [*digests, "absent"]) == ["absent"]
    assert counting.asked <= asking + 2
    found = files.read(digests)
    assert found == {name: one.data for name, one in assets.items()} | sources
    assert store.hgetall(keys.asset("a7")) == {b"data": b"7", b"media_type": b"image/png"}
    assert store.get(keys.source("s7")) == b"7"


def test_an_empty_file_is_a_file(store: Any, keys: Keys) -> None:
    files = StoredFiles(store, keys)
    files.put({}, {"e3": b""})
    assert files.read(["e3", "none"]) == {"e3": b""}


def test_what_is_sent_at_once_is_bounded() -> None:
    assert [*calls([])] == []
    large = [("a", BYTES_A_CALL), ("b", 1), ("c", BYTES_A_CALL - 1), ("d", 1)]
    assert [*calls(large)] == [["a"], ["b", "c"], ["d"]]
    small = [(str(n), 1) for n in range(FILES_A_CALL + 1)]
    assert [len(some) for some in calls(small)] == [FILES_A_CALL, 1]
