"""The stores that other tests stand on do what those tests believe."""

from __future__ import annotations

import socket

import redis
from redis.crc import key_slot
from redis.exceptions import AskError, MovedError

from tests.servers import until
from tests.sides import two_sides
from tests.store_server import Server
from tests.topology import cluster_running, redis_running, sentinel_running


def test_a_server_comes_back_with_its_data_after_a_kill() -> None:
    with redis_running(appendonly="yes", appendfsync="always") as server:
        server.call("SET", "kept", "yes")
        server.kill()
        assert not server.answers()
        server.start()
        assert server.call("GET", "kept") == b"yes"


def test_a_master_that_was_killed_is_replaced() -> None:
    with sentinel_running() as store:
        old = store.kill_master()
        new = store.failed_over(old)
        assert new.call("SET", "written", "yes")
        old.start()
        until(lambda: old.role() == "slave")


def test_a_side_that_is_cut_off_has_its_own_master_until_it_is_joined_again() -> None:
    with two_sides() as sides, sentinel_running(sides.left, sides.right, sides.right) as store:
        old, *others = store.servers
        on_the_right = store.sentinels[1:]
        with sides.cut():
            until(lambda: all(store.master(one) in others for one in on_the_right))
            new = store.master(on_the_right[0])
            until(lambda: new.role() == "master")
            assert old.role() == "master"
            with sides.left.entered():
                assert reaches(old.host, old.port)
                assert not reaches(new.host, new.port)
            with sides.right.entered():
                assert not reaches(old.host, old.port)
                assert reaches(new.host, new.port)
        until(lambda: old.role() == "slave")


def reaches(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=0.3).close()
    except OSError:
        return False
    return True


def test_a_slot_is_moved_with_its_keys() -> None:
    with cluster_running() as store:
        source = store.master_of(0)
        target = next(one for one in store.masters if one is not source)
        key = next(f"{{{n}}}" for n in range(100_000) if key_slot(f"{n}".encode()) == 0)
        source.call("SET", key, "moved")
        store.begin_move(0, target)
        store.move_keys(0, target)
        assert refusal(source, key) is AskError
        store.end_move(0, target)
        assert refusal(source, key) is MovedError
        assert target.call("GET", key) == b"moved"
        assert store.master_of(0) is target


def refusal(server: Server, key: str) -> type[Exception] | None:
    try:
        server.call("GET", key)
    except redis.RedisError as error:
        return type(error)
    return None
