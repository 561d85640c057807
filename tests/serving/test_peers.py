"""Whose address a reader's is, behind proxies that are believed and others that are not."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adserver.serving.peers import (
    COUNTRY_SAID,
    MAX_ADDRESS_CHARACTERS,
    MAX_HOPS,
    CountryHeader,
    address_of,
    is_among,
    readers_address,
)

TRUSTED = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


def asked(peer: str | None, *forwarded_for: str) -> dict[str, object]:
    headers = [(b"x-forwarded-for", one.encode("latin-1")) for one in forwarded_for]
    return {"client": (peer, 1234) if peer else None, "headers": headers}


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("203.0.113.7", "203.0.113.7"),
        (" 203.0.113.7\t", "203.0.113.7"),
        ("203.0.113.7:51234", "203.0.113.7"),
        ("2001:db8::7", "2001:db8::7"),
        ("[2001:db8::7]", "2001:db8::7"),
        ("[2001:db8::7]:443", "2001:db8::7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("[::FFFF:203.0.113.7]:443", "203.0.113.7"),
        ("fe80::1%eth0", "fe80::1"),
        ("[fe80::1%25eth0]:443", "fe80::1"),
        ("203.0.113.7%eth0", None),
        ("203.0.113.7:", None),
        ("203.0.113.7:http", None),
        ("203.0.113.7:999999", None),
        ("[2001:db8::7]:", None),
        ("[2001:db8::7]:1:2", None),
        ("[]", None),
        ("[[::1]]", None),
        ("2001:db8::7::1", None),
        ("010.0.0.1", None),
        ("0x7f.0.0.1", None),
        ("2130706433", None),
        ("127.1", None),
        ("２０３.0.113.7", None),
        ("203.0.113.7/32", None),
        ('"203.0.113.7"', None),
        ("", None),
        ("unknown", None),
        ("_hidden", None),
        ("203.0.113", None),
        ("203.0.113.7:51234:1", None),
        ("[2001:db8::7", None),
        ("[2001:db8::7]x", None),
        ("for=203.0.113.7", None),
        ("1" * (MAX_ADDRESS_CHARACTERS + 1), None),
        (f"fe80::1%{'x' * MAX_ADDRESS_CHARACTERS}", None),
    ],
)
def test_an_address_is_read_in_every_form_that_proxies_write(
    text: str, address: str | None
) -> None:
    assert address_of(text) == (ip_address(address) if address else None)


@given(st.text(max_size=200) | st.ip_addresses().map(str))
def test_no_text_is_an_error(text: str) -> None:
    address_of(text)


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "reader"),
    [
        # Whoever is not believed may say what they want.
        ("203.0.113.7", [], "203.0.113.7"),
        ("203.0.113.7", ["198.51.100.1"], "203.0.113.7"),
        ("::ffff:203.0.113.7", [], "203.0.113.7"),
        (None, ["198.51.100.1"], None),
        ("/run/a.sock", ["198.51.100.1"], None),
        # One proxy, two of them, with what the reader's own header said before them.
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("::ffff:10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["192.0.2.9, 198.51.100.1, 10.0.0.2"], "198.51.100.1"),
        ("fd00::1", ["192.0.2.9", "198.51.100.1", "[fd00::2]:80,10.0.0.2:81"], "198.51.100.1"),
        ("10.0.0.1", ["198.51.100.1:4711"], "198.51.100.1"),
        ("10.0.0.1", ["192.168.1.5"], "192.168.1.5"),
        # What is garbage was written by one who is believed: nobody knows who stood before it.
        ("10.0.0.1", ["198.51.100.1, unknown"], None),
        ("10.0.0.1", ["198.51.100.1, "], None),
        ("10.0.0.1", ["198.51.100.1, unknown, 10.0.0.2"], None),
        ("10.0.0.1", ["\xff\xfe\0"], None),
        # However much the reader has sent before.
        ("10.0.0.1", [", ".join(["192.0.2.9"] * 1_000), "198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", [", ".join(["unknown"] * 1_000) + ", 198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", [*(["192.0.2.9"] * 90), "198.51.100.1, 10.0.0.3", "fd00::2"], "198.51.100.1"),
        ("10.0.0.1", [", ".join(["10.0.0.2"] * 1_000)], None),
        ("10.0.0.1", ["," * 1_000], None),
        # The proxy itself asks, or a server in its place: where those are says nothing.
        ("10.0.0.1", [], None),
        ("10.0.0.1", ["10.0.0.2"], None),
        ("10.0.0.1", [", ".join(["198.51.100.1", *["10.0.0.2"] * (MAX_HOPS - 1)])], "198.51.100.1"),
        ("10.0.0.1", [", ".join(["198.51.100.1", *["10.0.0.2"] * MAX_HOPS])], None),
    ],
)
def test_the_reader_is_the_last_whom_nobody_trusts(
    peer: str | None, forwarded_for: list[str], reader: str | None
) -> None:
    found = readers_address(asked(peer, *forwarded_for), TRUSTED)
    assert found == (ip_address(reader) if reader else None)


def test_a_peer_without_an_address_is_among_none() -> None:
    assert is_among(asked("10.0.0.1"), TRUSTED)
    assert is_among(asked("::ffff:10.0.0.1"), TRUSTED)
    assert not is_among(asked("10.0.0.1"), ())
    assert not is_among(asked("/run/a.sock"), TRUSTED)
    assert not is_among(asked(None), TRUSTED)


def test_what_rfc_7239_would_say_is_not_read() -> None:
    scope = asked("10.0.0.1", "198.51.100.1")
    scope["headers"] = [*scope["headers"], (b"forwarded", b"for=192.0.2.9")]  # type: ignore[misc]
    assert readers_address(scope, TRUSTED) == ip_address("198.51.100.1")


def test_a_country_is_the_proxys_last_word() -> None:
    scope = asked("10.0.0.1")
    scope["headers"] = [(b"cf-ipcountry", b"FR"), (b"cf-ipcountry", b"BE")]
    CountryHeader("CF-IPCountry", TRUSTED).note(scope)
    assert scope["headers"][-1] == (COUNTRY_SAID, b"BE")  # type: ignore[index]
