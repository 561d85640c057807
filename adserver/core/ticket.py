"""The ticket: the short, sealed token of one served ad.

42 bytes, 56 characters of URL-safe base64. It names what was served by the catalog's permanent
numbers and carries no address. `writer` and `serial` make it one of a kind and say which bit of
which bitmap remembers its events. The seal is keyed BLAKE2b (RFC 7693), 80 bits: an online
guess is right once in 2^80, and a forger learns nothing from a refusal.

    version 1 · key id 1 · writer 4 · serial 4 · creative 4 · campaign 4 · generation 4 · time 4
    · lapse 2 · slot 2 · site 1 · flags 1 · seal 10
"""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64
from collections.abc import Sequence
from hashlib import blake2b
from hmac import compare_digest
from struct import Struct
from typing import NamedTuple

from adserver.core.errors import ForgedTicket, MalformedTicket

VERSION = 1
LAYOUT = Struct(">BBIIIIIIHHBB")
SEAL_BYTES = 10
TEXT_LENGTH = (LAYOUT.size + SEAL_BYTES) * 4 // 3
# Enough that two keys of one installation never share one.
FINGERPRINT_BYTES = 8
# What the layout has room for, by the kinds of names in a catalog.
MAX_NUMBERS = {"campaign": 2**32 - 1, "creative": 2**32 - 1, "slot": 2**16 - 1, "site": 2**8 - 1}

FLAG_PREFETCH = 1
FLAG_PREVIEW = 2
# The reader agreed to third parties, and neither GPC nor DNT speaks against it.
FLAG_CONSENT = 4
# The page is known, and is none of the sites'.
FLAG_FOREIGN = 8

TO_URL_SAFE = bytes.maketrans(b"+/", b"-_")
FROM_URL_SAFE = bytes.maketrans(b"-_", b"+/")
ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


class Ticket(NamedTuple):
    """One served ad. `time` is UTC seconds; the numbers are the generation's.

    lapse: of a campaign with a limit, the seconds after `time`, which is then the store's, at which
    the room that was reserved for it is given back; 0 without room of its own.
    """

    writer: int
    serial: int
    creative: int
    campaign: int
    generation: int
    time: int
    lapse: int
    slot: int
    site: int
    flags: int


# Those of a ticket, in its order, for whoever makes so many that giving them names costs too much.
Fields = tuple[int, int, int, int, int, int, int, int, int, int]


class Sealer:
    """Seals with the first key, opens with any.

    keys: secrets of at least 32 bytes each; rotation puts a new one in front.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        # A key of any length becomes the 64 bytes that BLAKE2b takes.
        wide = [blake2b(key, person=b"adserver.seal").digest() for key in keys]
        states = [(key_id(key), blake2b(key=key, digest_size=SEAL_BYTES)) for key in wide]
        self.key_id, state = states[0]
        self._begin, self._pack = state.copy, LAYOUT.pack
        self.signs_with = fingerprint(keys[0])
        self._states = {number: [s for n, s in states if n == number] for number, _ in states}

    def seal(self, ticket: Ticket | Fields) -> bytes:
        """The ticket's text, 56 bytes of ASCII."""
        return self.seal_whole((VERSION, self.key_id, *ticket))

    def seal_whole(self, fields: Sequence[int]) -> bytes:
        """The same, of all that is sealed: `VERSION`, `key_id`, and those of a ticket."""
        payload = self._pack(*fields)
        state = self._begin()
        state.update(payload)
        return b2a_base64(payload + state.digest(), newline=False).translate(TO_URL_SAFE)

    def unseal(self, text: str) -> Ticket:
        """The ticket, or MalformedTicket or ForgedTicket.

        Exactly one text opens to a ticket: 42 bytes fill 56 characters with no bits to spare.
        """
        raw = unpack_text(text)
        payload, seal = raw[: LAYOUT.size], raw[LAYOUT.size :]
        fields = LAYOUT.unpack(payload)
        version, key = fields[:2]
        if version != VERSION:
            raise MalformedTicket
        for keyed in self._states.get(key, ()):
            state = keyed.copy()
            state.update(payload)
            if compare_digest(state.digest(), seal):
                return Ticket._make(fields[2:])
        raise ForgedTicket


def key_id(wide_key: bytes) -> int:
    """A byte that tells keys apart without telling anything about them."""
    return blake2b(wide_key, digest_size=1, person=b"adserver.key-id").digest()[0]


def fingerprint(key: bytes) -> str:
    """16 hex digits by which people and the store tell signing keys apart.

    Derived apart from seals, and no help to a forger: who guesses keys can try them on any ticket.
    """
    return blake2b(key, digest_size=FINGERPRINT_BYTES, person=b"adserver.finger").hexdigest()


def unpack_text(text: str) -> bytes:
    if len(text) != TEXT_LENGTH or not text.isascii():
        raise MalformedTicket
    encoded = text.encode()
    if encoded.translate(None, ALPHABET):  # something is left
        raise MalformedTicket
    return a2b_base64(encoded.translate(FROM_URL_SAFE), strict_mode=True)
