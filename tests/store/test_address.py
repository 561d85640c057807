"""Addresses: which are taken, and what a person is told of the others, never with a password."""

from __future__ import annotations

from pathlib import Path

import pytest

from adserver.core.errors import SettingsError
from adserver.store.address import MAX_HOSTS, Address, anchored, read_address, shards_of, shown
from adserver.store.keys import CLUSTER_SHARDS
from adserver.store.tls import Tls

LOGIN = {"username": "ads", "password": "s3cret"}


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://h", Address("redis", (("h", 6379),))),
        ("redis://h/", Address("redis", (("h", 6379),))),
        ("redis://h:1/2", Address("redis", (("h", 1),), db=2)),
        ("redis://h?db=2", Address("redis", (("h", 6379),), db=2)),
        ("redis://[::1]:7/0", Address("redis", (("::1", 7),))),
        ("redis://:s3cret@h", Address("redis", (("h", 6379),), login={"password": "s3cret"})),
        ("redis://ads:s3cret@h", Address("redis", (("h", 6379),), login=LOGIN)),
        (
            "redis://ads:%2F%40%3F@h",
            Address("redis", (("h", 6379),), login={"username": "ads", "password": "/@?"}),
        ),
        ("redis://ads:a@b@h", Address("redis", (("h", 6379),), login=LOGIN | {"password": "a@b"})),
        ("unix:///run/redis.sock", Address("unix", path="/run/redis.sock")),
        ("unix://ads:s3cret@/run/r?db=3", Address("unix", path="/run/r", db=3, login=LOGIN)),
        (
            "redis+sentinel://a:1,b/ads",
            Address("redis+sentinel", (("a", 1), ("b", 26_379)), name="ads"),
        ),
        (
            "redis+sentinel://ads:s3cret@[::1]:1,[::2]/my%20ads/3?sentinel_password=x%26y",
            Address(
                "redis+sentinel",
                (("::1", 1), ("::2", 26_379)),
                name="my ads",
                db=3,
                login=LOGIN,
                sentinel_login={"password": "x&y"},
            ),
        ),
        (
            "redis+cluster://ads:s3cret@a:1,b:2",
            Address("redis+cluster", (("a", 1), ("b", 2)), login=LOGIN),
        ),
    ],
)
def test_an_address_is_read(url: str, expected: Address) -> None:
    assert read_address(url) == expected


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("", "expected embedded:DIR, redis://"),
        ("localhost:6379", "expected embedded:DIR, redis://"),
        ("http://h", "expected embedded:DIR, redis://"),
        ("redis", "expected embedded:DIR, redis://"),
        ("redis+ring://h", "rediss for TLS"),
        ("rediss+unix:///x", "expected embedded:DIR"),
        ("redis://", "lacks a host; expected redis://"),
        ("redis://h:x", "'h:x' where a host was expected"),
        ("redis://h:99999", "has the port 99999; expected 1 to 65535"),
        ("redis://a,b", "names 2 hosts; expected one, or redis[+]sentinel"),
        ("redis://h/x", "has the database 'x'; expected a number"),
        ("redis://h/1/2", "has '/1/2' behind the host"),
        ("redis://ads@h", "has a user without a password; expected USER:PASSWORD@"),
        ("redis://h?timeout=3", "has the option 'timeout'; expected of these: db"),
        ("redis://h?ssl_ca_certs=/x", "has ssl_ca_certs without TLS; expected rediss"),
        ("rediss://h?ssl_ca_certs=/no/file", "/no/file, and there is no such file"),
        ("rediss://h?ssl_check_hostname=maybe", "expected yes or no"),
        ("rediss://h?ssl_keyfile=/etc/hostname", "has one of ssl_certfile and ssl_keyfile"),
        ("unix://run/redis.sock", "names a host; expected unix:///PATH with three slashes"),
        ("unix:///", "lacks the socket's path"),
        ("redis+sentinel://h", "lacks the name that the sentinels have for the master"),
        ("redis+sentinel://h/", "lacks the name that the sentinels have for the master"),
        ("redis+sentinel://a,,b/ads", "lacks a host"),
        ("redis+sentinel://a/ads/x", "has the database 'x'"),
        ("redis+cluster://h/1", "has '/1' behind the host"),
        ("redis+cluster://h?db=1", "has the option 'db'; expected of these: none"),
        (f"redis+cluster://{'h,' * MAX_HOSTS}h", f"names {MAX_HOSTS + 1} hosts, more than"),
    ],
)
def test_another_is_refused_with_what_is_wrong_and_what_was_expected(url: str, told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        read_address(url)


@pytest.mark.parametrize(
    "url",
    [
        "redis://ads:s3cret@h/x",
        "redis://ads:s3cret@",
        "redis://ads:s3cret@h:x",
        "redis://ads:with/s3cret@h",
        "redis://ads:with?s3cret@h/x",
        "redis://ads:with#s3cret@h/x",
        "redis://:s3cret/0@h",
        "nonsense://ads:s3cret@h",
        "unix://s3cret/s3cret@/run",
        "redis+sentinel://h/ads?sentinel_password=s3cret&x=y",
        "redis+sentinel://h/ads/x?sentinel_password=s3cret",
        "redis+cluster://ads:s3cret@a,b/1",
    ],
)
def test_no_error_shows_a_password(url: str) -> None:
    with pytest.raises(SettingsError) as refused:
        read_address(url)
    assert "s3cret" not in str(refused.value)
    assert refused.value.__cause__ is None
    assert "s3cret" not in shown(url)


def test_an_address_that_is_printed_by_mistake_shows_none() -> None:
    url = "redis+sentinel://ads:s3cret@h/ads?sentinel_password=s3cret"
    assert "s3cret" not in repr(read_address(url))


def test_what_is_shown_is_the_rest() -> None:
    assert shown("redis+sentinel://u:p@a:1,b:2/ads?sentinel_user=v&sentinel_password=q&x=y") == (
        "redis+sentinel://***@a:1,b:2/ads?sentinel_user=v&sentinel_password=***&x=***"
    )
    assert shown("embedded:./var") == "embedded:./var"


@pytest.mark.parametrize("scheme", ["rediss", "rediss+sentinel", "rediss+cluster"])
def test_tls_is_the_same_address_with_an_s(scheme: str, tmp_path: Path) -> None:
    for name in ("ca", "crt", "key"):
        (tmp_path / name).touch()
    name = "/ads" if "sentinel" in scheme else ""
    files = {"ssl_ca_certs": "ca", "ssl_certfile": "crt", "ssl_keyfile": "key"}
    options = "&".join(f"{option}={tmp_path / file}" for option, file in files.items())
    address = read_address(f"{scheme}://h:1{name}?{options}&ssl_check_hostname=no")
    named = (str(tmp_path / file) for file in files.values())
    assert address.tls == Tls(*named, check_hostname=False)
    assert read_address(f"{scheme}://h{name}").tls == Tls()


def test_counts_are_spread_on_a_cluster_alone() -> None:
    assert shards_of("redis+cluster://a,b") == shards_of("rediss+cluster://u:p@a") == CLUSTER_SHARDS
    one = ("embedded:./var", "embedded:redis+cluster:", "unix:///x", "redis+sentinel://a/b")
    assert {shards_of(url) for url in one} == {1}


@pytest.mark.parametrize(
    "mistyped",
    [
        "redis+sentinel://127.0.0.1/ads?sentinel_pasword=HUNTER2",
        "redis+sentinel//u:HUNTER2@127.0.0.1/ads",
        "redis:/u:HUNTER2@127.0.0.1",
        "u:HUNTER2@127.0.0.1",
    ],
)
def test_what_is_mistyped_shows_no_secret(mistyped: str) -> None:
    with pytest.raises(SettingsError) as refused:
        read_address(mistyped)
    assert "HUNTER2" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "means"),
    [
        ("embedded:./var", "embedded:/srv/ads/var"),
        ("embedded:/var/ads", "embedded:/var/ads"),
        ("redis://ana:p%3Fw@host:1/2", "redis://ana:p%3Fw@host:1/2"),
        ("unix:///run/redis.sock?db=1", "unix:///run/redis.sock?db=1"),
        (
            "rediss://host?ssl_ca_certs=certs/a%20b.pem&ssl_check_hostname=no",
            "rediss://host?ssl_ca_certs=/srv/ads/certs/a%20b.pem&ssl_check_hostname=no",
        ),
        ("rediss://host?ssl_ca_certs=/etc/ca.pem", "rediss://host?ssl_ca_certs=/etc/ca.pem"),
    ],
)
def test_an_address_means_the_same_elsewhere(url: str, means: str) -> None:
    assert anchored(url, Path("/srv/ads")) == means
