"""Every error of ours, in one tree; errors carry data, the edges turn them into words.

AdserverError
├── BackupError           a file that is no backup of ours, or is damaged (carries its path)
├── BundleError           a config folder that cannot be sent, or did not arrive whole
├── CatalogError          the campaign files cannot be read as a catalog (carries problems)
├── ContentGone           a generation of which the history is known, and not all of the content
├── JournalError          the journal cannot take an event: disk full, damaged, over its limit
├── KeyInUse              a signing key that is to be forgotten, and is needed
├── LedgerConflict        the store holds counts in our name that we did not send
├── LiveHasMoved          somebody else applied since we looked
├── NoSuchName            a slot, campaign or generation that does not exist
├── RoomHasLapsed         the room of an ad was given back, and none is left for it
├── SettingsError         a setting, secret or address that cannot be used
├── StoreUnavailable      the store did not answer, or not in time
│   └── OutcomeUnknown    and it may have made the change that was asked of it
├── TicketError
│   ├── MalformedTicket   not a ticket at all
│   └── ForgedTicket      right shape, wrong seal, or a key that we do not hold
├── UnfitStore            the store is in use, moved, half written, or not empty
├── UnknownKey            this node signs with a key that the store does not know
├── UnreadableGeneration  written by another release, or damaged
├── UnreadablePause       the same, of what is paused
├── WrongCommand          another machine has run another command than it was asked for
└── TooManyWaiting        more events wait to be counted than the named limit
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adserver.core.nodes import KnownKey
    from adserver.core.problems import Problem
    from adserver.core.publication import Published


class AdserverError(Exception):
    """The root of the tree: whatever we raise on purpose is one of these."""


class BackupError(AdserverError):
    """A file that cannot be restored: damaged, of another version, or no backup at all."""

    def __init__(self, path: object, what: str) -> None:
        super().__init__(f"{path} {what}")
        self.path = path


class BundleError(AdserverError):
    """A config folder that cannot be sent, or did not arrive whole; the message says why."""


class CatalogError(AdserverError):
    """Campaign files with problems that forbid publishing them."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(f"{len(problems)} problem(s) in the campaign files")
        self.problems = tuple(problems)


class ContentGone(AdserverError):
    """A generation whose content, or a part of it, is not in the store; says what to do."""

    def __init__(self, number: int, what: str) -> None:
        super().__init__(f"generation {number}: {what}")
        self.number = number


class JournalError(AdserverError):
    """The journal could not make an event durable; nobody was told that it is."""


class KeyInUse(AdserverError):
    """A signing key that is to be forgotten, and is needed; the message says by whom."""


class LedgerConflict(AdserverError):
    """The store holds counts in a journal's name that this journal did not send."""

    def __init__(self, ours: int, theirs: int) -> None:
        super().__init__(f"the ledger says record {theirs}, the last one sent is {ours}")
        self.ours = ours
        self.theirs = theirs


class LiveHasMoved(AdserverError):
    """The live generation is not the one the caller planned against.

    published: what the history says of the live one, where that is known.
    """

    def __init__(self, expected: int, live: int, published: Published | None = None) -> None:
        super().__init__(f"live is generation {live}, the plan was made against {expected}")
        self.expected = expected
        self.live = live
        self.published = published


class NoSuchName(AdserverError):
    """A name that nothing has; `hint` is the nearest name that exists, if any is near."""

    def __init__(self, kind: str, name: str, hint: str | None = None) -> None:
        super().__init__(f"there is no {kind} {name!r}")
        self.kind = kind
        self.name = name
        self.hint = hint


class RoomHasLapsed(AdserverError):
    """The room that was reserved for an ad was given back, and there is none left."""


class SettingsError(AdserverError):
    """A setting, secret or address that cannot be used; the message says what to do."""


class StoreUnavailable(AdserverError):
    """The store did not answer, or not in time; or it refused, and says why."""


class OutcomeUnknown(StoreUnavailable):
    """The store did not answer a change, and went on not answering when it was sent again.

    what: the change, as it goes on after "whether"; look: the command that shows it.
    """

    def __init__(self, reason: object, what: str, look: str) -> None:
        said = str(reason).rstrip(".")
        super().__init__(
            f"{said}; it is not known whether {what}: `{look}` shows it before you repeat"
        )


class UnfitStore(AdserverError):
    """A store that must not be used so: in use, moved, half written or not empty; says which."""


class UnknownKey(AdserverError):
    """This node signs with a key that the store does not know; `known` are those that it does."""

    def __init__(self, fingerprint: str, known: Sequence[KnownKey]) -> None:
        super().__init__(f"the store does not know the signing key {fingerprint}")
        self.fingerprint = fingerprint
        self.known = tuple(known)


class UnreadableGeneration(AdserverError):
    """A stored generation that this release cannot read; the message says what to do."""


class UnreadablePause(AdserverError):
    """What is paused was written by another release, or is damaged."""


class TicketError(AdserverError):
    """A text that is not one of our tickets."""


class MalformedTicket(TicketError):
    """Not the shape of a ticket: length, alphabet or version."""


class ForgedTicket(TicketError):
    """The shape of a ticket, but no key of ours sealed it."""


class TooManyWaiting(AdserverError):
    """More events wait to be counted than the named limit allows."""


class WrongCommand(AdserverError):
    """Another machine has run another command than it was asked for; the message says which."""
