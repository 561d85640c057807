"""What the command line works with: the store, opened for one command and closed again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from adserver.core.errors import SettingsError, StoreUnavailable
from adserver.core.nodes import KnownKey
from adserver.core.ports.commands import (
    Catalogs,
    KnownLeases,
    KnownSamples,
    KnownTraffic,
    Pauses,
    SigningKeys,
    Totals,
)
from adserver.settings import Settings
from adserver.store.address import shards_of, shown
from adserver.store.catalogs import StoredCatalogs
from adserver.store.connect import Client, client
from adserver.store.embedded import Embedded
from adserver.store.keys import Keys
from adserver.store.leases import StoredKnownLeases
from adserver.store.pauses import StoredPauses
from adserver.store.permissions import check_user
from adserver.store.samples import StoredKnownSamples
from adserver.store.signing import StoredSigningKeys
from adserver.store.standing import check_usable
from adserver.store.totals import StoredTotals
from adserver.store.traffic import StoredTraffic
from adserver.wiring.admission import known_keys
from adserver.wiring.secret_keys import configured_keys


@dataclass(frozen=True, slots=True)
class ControlPlane:
    catalogs: Catalogs
    totals: Totals
    signing: SigningKeys
    traffic: KnownTraffic
    samples: KnownSamples
    leases: KnownLeases
    pauses: Pauses


@contextmanager
def store_url(settings: Settings, *, stop_if_last: bool = False) -> Iterator[str]:
    """The store's address; an embedded one is started if need be."""
    embedded = Embedded.of(settings.redis)
    if embedded is None:
        yield settings.redis
        return
    with embedded.used(stop_if_last=stop_if_last) as url:
        yield url


@contextmanager
def opened(settings: Settings) -> Iterator[tuple[Client, Keys]]:
    """The store, whatever its state. StoreUnavailable where it does not answer."""
    keys = Keys(settings.namespace, shards_of(settings.redis))
    with store_url(settings) as url, client(url) as connection:
        check_user(connection, keys)
        yield connection, keys


@contextmanager
def control_plane(settings: Settings, *, existing: bool = False) -> Iterator[ControlPlane]:
    """StoreUnavailable where the store does not answer, UnfitStore where it has moved.

    existing: an embedded store is not made either, but unavailable where there never was one.
    """
    if existing:
        refuse_missing(settings)
    with opened(settings) as (connection, keys):
        check_usable(connection, keys)
        yield ControlPlane(
            StoredCatalogs(connection, keys),
            StoredTotals(connection, keys),
            StoredSigningKeys(connection, keys),
            StoredTraffic(connection, keys),
            StoredKnownSamples(connection, keys),
            StoredKnownLeases(connection, keys),
            StoredPauses(connection, keys),
        )


def refuse_missing(settings: Settings) -> None:
    """Whoever only looks is in the wrong folder, more likely than in a new one."""
    embedded = Embedded.of(settings.redis)
    if embedded is not None and not embedded.data.is_dir():
        raise StoreUnavailable(
            f"there is no store in {embedded.folder} yet: nothing was ever applied here "
            "(another folder? see --redis)"
        )


def keys_here(settings: Settings, added_by: str) -> list[KnownKey]:
    """The signing keys that a node would use here, the one that signs first; none is made."""
    return known_keys(configured_keys(settings), added_by)


def stop_store(settings: Settings) -> bool:
    """Stop the embedded store; whether it was running."""
    embedded = Embedded.of(settings.redis)
    if embedded is None:
        raise SettingsError(
            f"{shown(settings.redis)} is a server of your own; stop it as you started it. "
            "Only an embedded: store is stopped here."
        )
    return embedded.stop()
