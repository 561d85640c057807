"""Whether this node may serve from its store: the store has to know the key that it signs with.

Otherwise every other node would take its tickets for forged. A node that was admitted before
starts while the store is away as well; one that never was waits for it.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Sequence

import structlog

from adserver.core.errors import SettingsError, StoreUnavailable, UnknownKey
from adserver.core.nodes import KnownKey
from adserver.core.ticket import fingerprint
from adserver.settings import Settings
from adserver.store.address import shards_of
from adserver.store.connect import client
from adserver.store.keys import Keys
from adserver.store.permissions import check_user
from adserver.store.signing import StoredSigningKeys
from adserver.store.standing import check_usable
from adserver.wiring.identity import JOURNALS, Mark, Remembered, new_identity

log = structlog.get_logger(__name__)
WAIT_SECONDS = 1.0


def admit(settings: Settings, store: str, keys: Sequence[bytes]) -> Remembered:
    """The store's identity and the keys that it knows; UnknownKey where ours is none of them.

    store: its address. keys: the first signs.
    """
    mark = Mark(settings.state, store, settings.namespace)
    before = mark.read()
    signs_with = fingerprint(keys[0])
    while True:
        try:
            found = look(settings, store, before or founding(keys))
        except StoreUnavailable as error:
            if before is not None and before.knows(signs_with):
                log.warning("started_without_store", error=str(error), identity=before.identity)
                return before
            log.warning("waiting_for_store", error=str(error))
            time.sleep(WAIT_SECONDS)
        else:
            break
    if before is not None and before.identity != found.identity:
        aside = settings.state / JOURNALS / before.identity
        log.warning("store_is_another", identity=found.identity, journals_aside=str(aside))
    if not found.knows(signs_with):
        raise UnknownKey(signs_with, found.known)
    if found != before:
        # Else a node whose disk is full or read-only would serve no ads after a restart.
        mark.write(found)
    return found


def admit_again(settings: Settings, store: str, keys: Sequence[bytes]) -> Remembered:
    """As `admit`, for a node that runs: nobody waits, and a store that is away knows what it knew.

    Also raises StoreUnavailable, where that is not enough.
    """
    mark = Mark(settings.state, store, settings.namespace)
    before = mark.read()
    try:
        found = look(settings, store, before or founding(keys))
    except StoreUnavailable:
        if before is None or not before.knows(fingerprint(keys[0])):
            raise
        return before
    if before is not None and before.identity != found.identity:
        raise SettingsError("the store is another one than when this node started; restart it")
    if not found.knows(fingerprint(keys[0])):
        raise UnknownKey(fingerprint(keys[0]), found.known)
    if found != before:
        mark.write(found)
    return found


def look(settings: Settings, store: str, otherwise: Remembered) -> Remembered:
    """What the store says of itself; an empty one takes what we have for it."""
    with client(store) as connection:
        keys = Keys(settings.namespace, shards_of(settings.redis))
        check_user(connection, keys)
        check_usable(connection, keys)
        signing = StoredSigningKeys(connection, keys)
        return Remembered(*signing.found(otherwise.identity, otherwise.known))


def founding(keys: Sequence[bytes]) -> Remembered:
    return Remembered(new_identity(), tuple(known_keys(keys, socket.gethostname())))


def known_keys(keys: Sequence[bytes], added_by: str) -> list[KnownKey]:
    """These keys as they are added now."""
    now = time.time()
    return [KnownKey(one, now, added_by) for one in dict.fromkeys(map(fingerprint, keys))]
