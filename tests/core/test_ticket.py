"""The ticket: whatever was not sealed by us does not open."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adserver.core.errors import ForgedTicket, MalformedTicket, TicketError
from adserver.core.ticket import LAYOUT, TEXT_LENGTH, VERSION, Sealer, Ticket, fingerprint

KEY, OTHER_KEY = b"k" * 32, b"o" * 32
TICKET = Ticket(7, 1, 2, 3, 4, 1_793_610_000, 600, 5, 6, 1)
LARGEST = Ticket(*[2**32 - 1] * 6, *[2**16 - 1] * 2, 2**8 - 1, 2**8 - 1)


def number(bits: int) -> st.SearchStrategy[int]:
    return st.integers(0, 2**bits - 1)


TICKETS = st.builds(Ticket, *[number(32)] * 6, number(16), number(16), number(8), number(8))


def sealed(ticket: Ticket = TICKET, *keys: bytes) -> str:
    return Sealer(keys or [KEY]).seal(ticket).decode()


def encoded(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode()


@given(TICKETS)
def test_a_sealed_ticket_opens_to_itself(ticket: Ticket) -> None:
    text = sealed(ticket)
    assert len(text) == TEXT_LENGTH == 56
    assert Sealer([KEY]).unseal(text) == ticket


def test_the_largest_numbers_have_room() -> None:
    assert Sealer([KEY]).unseal(sealed(LARGEST)) == LARGEST


def test_a_ticket_is_good_in_a_path_without_escaping() -> None:
    assert set(sealed(LARGEST)) <= set(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    )


def test_every_byte_is_under_the_seal() -> None:
    raw = urlsafe_b64decode(sealed())
    sealer = Sealer([KEY])
    for position in range(len(raw)):
        for flip in (1, 0x80, 0xFF):
            changed = bytearray(raw)
            changed[position] ^= flip
            with pytest.raises(TicketError):
                sealer.unseal(encoded(bytes(changed)))


def test_every_truncation_is_refused() -> None:
    text, sealer = sealed(), Sealer([KEY])
    for length in range(TEXT_LENGTH):
        with pytest.raises(MalformedTicket):
            sealer.unseal(text[:length])
        with pytest.raises(MalformedTicket):
            sealer.unseal(text[length + 1 :] if length else text[1:])


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text + "A",
        lambda text: text + "=",
        lambda text: text[:-1] + "=",
        lambda text: text[:-1] + "\n",
        lambda text: " " + text[1:],
        lambda text: text[:-1] + "+",
        lambda text: text[:-1] + "/",
        lambda text: text[:-1] + "é",
        lambda text: text[:-1] + "０",
        lambda text: "\0" + text[1:],
        lambda _: "",
    ],
)
def test_a_text_of_another_shape_is_malformed(change) -> None:
    with pytest.raises(MalformedTicket):
        Sealer([KEY]).unseal(change(sealed()))


@given(st.integers(0, TEXT_LENGTH - 1), st.sampled_from("AQgw_-09zZ"))
def test_exactly_one_text_opens_to_a_ticket(position: int, letter: str) -> None:
    text = sealed()
    changed = text[:position] + letter + text[position + 1 :]
    if changed != text:
        with pytest.raises(TicketError):
            Sealer([KEY]).unseal(changed)


@given(st.text(max_size=60))
def test_any_text_is_a_ticket_or_refused_as_one(text: str) -> None:
    with pytest.raises(TicketError):
        Sealer([KEY]).unseal(text)


def test_another_version_is_malformed() -> None:
    raw = bytearray(urlsafe_b64decode(sealed()))
    raw[0] = VERSION + 1
    with pytest.raises(MalformedTicket):
        Sealer([KEY]).unseal(encoded(bytes(raw)))


def test_a_key_that_is_not_held_is_forged() -> None:
    with pytest.raises(ForgedTicket):
        Sealer([OTHER_KEY]).unseal(sealed())


def test_a_key_id_without_its_seal_is_forged() -> None:
    raw = urlsafe_b64decode(sealed())[: LAYOUT.size] + bytes(10)
    with pytest.raises(ForgedTicket):
        Sealer([KEY]).unseal(encoded(raw))


def test_a_rotation_seals_with_the_new_key_and_opens_with_both() -> None:
    before, after = sealed(TICKET, KEY), sealed(TICKET, OTHER_KEY)
    rotated = Sealer([OTHER_KEY, KEY])
    assert rotated.seal(TICKET).decode() == after
    assert rotated.unseal(before) == rotated.unseal(after) == TICKET
    with pytest.raises(ForgedTicket):
        Sealer([KEY]).unseal(after)


def test_two_keys_that_share_an_id_are_told_apart_by_their_seals() -> None:
    by_id: dict[int, bytes] = {}
    for n in count():
        key = b"%032d" % n
        shared = urlsafe_b64decode(sealed(TICKET, key))[1]
        if shared in by_id:
            break
        by_id[shared] = key
    first, second = by_id[shared], key
    assert Sealer([first, second]).unseal(sealed(TICKET, second)) == TICKET
    assert Sealer([second, first]).unseal(sealed(TICKET, second)) == TICKET
    with pytest.raises(ForgedTicket):
        Sealer([first]).unseal(sealed(TICKET, second))


def test_keys_of_any_length_are_good() -> None:
    long = b"x" * 500
    assert Sealer([long]).unseal(sealed(TICKET, long)) == TICKET
    with pytest.raises(ForgedTicket):
        Sealer([long[:-1]]).unseal(sealed(TICKET, long))


def test_a_fingerprint_tells_keys_apart_and_is_no_part_of_a_seal() -> None:
    one, other = b"a" * 32, b"b" * 32
    assert Sealer([one, other]).signs_with == fingerprint(one) != fingerprint(other)
    assert re.fullmatch("[0-9a-f]{16}", fingerprint(one))
    raw = urlsafe_b64decode(sealed(TICKET, one))
    assert bytes.fromhex(fingerprint(one))[:4] not in raw
