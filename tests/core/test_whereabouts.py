"""What counts as one place, and how it is named."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from adserver.core.whereabouts import MAPPED, counted_bytes, is_inside, truncated, unmapped


def packed(text: str) -> bytes:
    return ip_address(text).packed


@pytest.mark.parametrize(
    ("one", "other", "address", "network"),
    [
        ("198.51.100.7", "198.51.100.8", False, True),
        ("198.51.100.7", "198.51.101.7", False, False),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True, True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False, True),
        ("2001:db8:1:2::1", "2001:db8:2:2::1", False, False),
    ],
)
def test_what_is_one_address_and_what_is_one_network(
    one: str, other: str, address: bool, network: bool
) -> None:
    here, there = packed(one), packed(other)
    network_bytes, address_bytes = counted_bytes(here)
    assert (here[:address_bytes] == there[:address_bytes]) is address
    assert (here[:network_bytes] == there[:network_bytes]) is network


def test_an_ipv4_reader_is_the_same_on_an_ipv6_socket() -> None:
    assert unmapped(MAPPED + packed("198.51.100.7")) == packed("198.51.100.7")
    assert unmapped(packed("2001:db8::1")) == packed("2001:db8::1")


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "172.16.0.1", "172.31.9.9", "192.168.1.1", "169.254.1.1",
     "100.64.0.1", "::1", "fc00::1", "fd12::1", "fe80::1"],
)  # fmt: skip
def test_nobody_reads_a_public_site_from_there(address: str) -> None:
    assert is_inside(packed(address))
    assert truncated(packed(address)) == address


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("198.51.100.7", "198.51.100.0/24"),
        ("172.32.0.1", "172.32.0.0/24"),
        ("100.128.0.1", "100.128.0.0/24"),
        ("2001:db8:1:2::9", "2001:db8:1::/48"),
    ],
)
def test_of_a_reader_a_log_names_the_network(address: str, shown: str) -> None:
    assert not is_inside(packed(address))
    assert truncated(packed(address)) == shown
