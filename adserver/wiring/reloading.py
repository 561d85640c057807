"""What SIGHUP reads again: signing keys and admin token. What cannot be used changes nothing.

A key signs only when every worker verifies with it. One that is new and stands first is therefore
learnt in one round of replacements and signs from the next: a ticket of a new worker may come
back to an old one.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import structlog

from adserver.core.errors import AdserverError, UnknownKey
from adserver.core.nodes import KnownKey
from adserver.core.ticket import fingerprint
from adserver.serving.admin import Guard
from adserver.serving.parent_counts import Failure, ParentCounts
from adserver.settings import Settings
from adserver.wiring.admission import admit_again
from adserver.wiring.secret_keys import admin_token, kept_keys

log = structlog.get_logger(__name__)

AS_BEFORE = "mend it and send SIGHUP again; what was there before is used on"
UNKNOWN = "give it to all nodes, run `adserver keys add`, and send SIGHUP again"


@dataclass(slots=True)
class Signing:
    """keys: of workers that are started from now on; the first signs, all verify.
    known: to the store. shared: those that every worker has.
    """

    keys: list[bytes] = field(repr=False)
    known: tuple[KnownKey, ...]
    shared: list[bytes] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.shared = self.keys

    def take(self, keys: list[bytes]) -> bool:
        """Whether these are taken as they are: the first is known to every worker."""
        old = self.shared[0]
        shared = keys[0] in self.shared
        self.keys = keys if shared else [old, *(key for key in keys if key != old)]
        return shared


@dataclass(frozen=True, slots=True)
class Reload:
    """In the parent, around each round of replacements. store: its address."""

    settings: Settings
    store: str
    signing: Signing
    counts: ParentCounts

    def begin(self) -> bool:
        """Read them; whether another round has to follow this one."""
        try:
            keys = kept_keys(self.settings)
            if keys == self.signing.keys:
                return False
            self.signing.known = admit_again(self.settings, self.store, keys).known
        except AdserverError as error:
            self.counts.add(Failure.KEYS)
            do = UNKNOWN if isinstance(error, UnknownKey) else AS_BEFORE
            log.error("keys_not_read", error=str(error), do=do)
            return False
        as_they_are = self.signing.take(keys)
        signs_with = fingerprint(self.signing.keys[0])
        log.info("keys_read", keys=len(keys), signs_with=signs_with, another_round=not as_they_are)
        return not as_they_are

    def end(self, done: bool) -> None:
        """done: every worker was replaced."""
        if done:
            self.signing.shared = self.signing.keys


def reread_token(settings: Settings, guard: Guard, counts: ParentCounts) -> None:
    """In the admin process, which goes on: it remembers what workers have counted that are gone."""
    if settings.admin_token_file is None:
        return
    try:
        guard.token = admin_token(settings.admin_token_file)
    except AdserverError as error:
        counts.add(Failure.TOKEN)
        log.error("token_not_read", error=str(error), do=AS_BEFORE)
