"""Files in the store: each once, and thousands of them in few calls."""

from __future__ import annotations

from typing import Any

from adserver.core.assets import Asset, digest_of
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
    pictures, texts = ([b"%b%d" % (kind, n) for n in range(MANY)] for kind in (b"a", b"s"))
    assets = {digest_of(one): Asset(one, "image/png") for one in pictures}
    sources = {digest_of(one): one for one in texts}
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
    picture = {b"data": b"a7", b"media_type": b"image/png"}
    assert store.hgetall(keys.asset(digest_of(b"a7"))) == picture
    assert store.get(keys.source(digest_of(b"s7"))) == b"s7"


def test_an_empty_file_is_a_file(store: Any, keys: Keys) -> None:
    files = StoredFiles(store, keys)
    files.put({}, {digest_of(b""): b""})
    assert files.read([digest_of(b""), "none"]) == {digest_of(b""): b""}


def test_what_was_changed_in_the_store_is_not_read(store: Any, keys: Keys) -> None:
    files = StoredFiles(store, keys)
    one, other = b"name: Blog", b"\x89PNG"
    files.put({digest_of(other): Asset(other, "image/png")}, {digest_of(one): one})
    store.set(keys.source(digest_of(one)), b"name: Blag")
    store.hset(keys.asset(digest_of(other)), "data", b"\x89PMG")
    assert files.read([digest_of(one), digest_of(other)]) == {}
    # Of what is held twice, the good one.
    files.put({}, {digest_of(other): other})
    assert files.read([digest_of(other)]) == {digest_of(other): other}


def test_what_is_sent_at_once_is_bounded() -> None:
    assert [*calls([])] == []
    large = [("a", BYTES_A_CALL), ("b", 1), ("c", BYTES_A_CALL - 1), ("d", 1)]
    assert [*calls(large)] == [["a"], ["b", "c"], ["d"]]
    small = [(str(n), 1) for n in range(FILES_A_CALL + 1)]
    assert [len(some) for some in calls(small)] == [FILES_A_CALL, 1]
