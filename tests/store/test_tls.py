"""TLS: only to servers whose authority we trust, with a certificate where they want one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from adserver.core.errors import SettingsError, StoreUnavailable
from adserver.store.connect import answering, async_client, client
from tests.certificates import Certificates
from tests.store_server import Server
from tests.topology import tls_running


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with tls_running() as running:
        yield running


@pytest.fixture
def made(server: Server) -> Certificates:
    assert server.tls is not None
    return server.tls


def address(server: Server, host: str = "127.0.0.1", **options: str) -> str:
    return f"rediss://{host}:{server.port}?{urlencode(options)}"


async def answers(url: str) -> None:
    worker = async_client(url)
    try:
        with answering():
            assert await worker.get("nothing") is None
        with client(url) as control, answering():
            assert control.get("nothing") is None
    finally:
        await worker.aclose()


async def refused(url: str, told: str) -> None:
    worker = async_client(url)
    try:
        with pytest.raises(StoreUnavailable, match=told), answering():
            await worker.get("nothing")
    finally:
        await worker.aclose()
    with client(url) as control, pytest.raises(StoreUnavailable, match=told), answering():
        control.get("nothing")


async def test_with_its_authority_and_our_certificate_it_answers(server: Server) -> None:
    await answers(server.url)


async def test_many_connections_are_of_one_context(server: Server) -> None:
    worker = async_client(server.url)
    pool = worker.connection_pool  # type: ignore[union-attr]
    connections = [await pool.get_connection() for _ in range(5)]
    assert len({id(one.ssl_context.get()) for one in connections}) == 1
    for one in connections:
        await pool.release(one)
    await worker.aclose()


async def test_without_a_certificate_it_refuses(server: Server, made: Certificates) -> None:
    await refused(address(server, ssl_ca_certs=made.of("ca")[0]), "the store did not answer")


async def test_a_certificate_of_another_authority_is_refused(
    server: Server, made: Certificates
) -> None:
    await refused(
        f"rediss://127.0.0.1:{server.port}?{made.options_with('stranger')}",
        "the store did not answer",
    )


@pytest.mark.parametrize("authority", ["another-ca", None])
async def test_a_server_of_an_authority_that_we_do_not_trust_is_refused(
    server: Server, made: Certificates, authority: str | None
) -> None:
    certificate, key = made.of("client")
    ours = {"ssl_certfile": certificate, "ssl_keyfile": key}
    trust = {"ssl_ca_certs": made.of(authority)[0]} if authority else {}
    await refused(address(server, **ours, **trust), "CERTIFICATE_VERIFY_FAILED")


async def test_a_server_by_another_name_is_refused_unless_any_will_do(
    server: Server, made: Certificates
) -> None:
    host = "127.0.0.2"  # answers there too, and is not in its certificate
    server.call("CONFIG", "SET", "bind", f"127.0.0.1 {host}")
    certificate, key = made.of("client")
    ours = {"ssl_ca_certs": made.of("ca")[0], "ssl_certfile": certificate, "ssl_keyfile": key}
    await refused(address(server, host, **ours), "CERTIFICATE_VERIFY_FAILED.*127.0.0.2")
    await answers(address(server, host, **ours, ssl_check_hostname="no"))


async def test_without_tls_it_does_not_answer(server: Server) -> None:
    await refused(f"redis://127.0.0.1:{server.port}", "the store did not answer")


@pytest.mark.parametrize("kind", ["redis", "redis+sentinel", "redis+cluster"])
def test_files_that_are_no_certificates_are_told_at_once(kind: str, tmp_path: Path) -> None:
    nonsense = tmp_path / "ca.pem"
    nonsense.write_text("nonsense")
    name = "/ads" if "sentinel" in kind else ""
    url = f"{kind.replace('redis', 'rediss')}://h{name}?ssl_ca_certs={nonsense}"
    with pytest.raises(SettingsError, match=r"cannot be used \(.*ca\.pem\).*expected PEM files"):
        async_client(url)
    with pytest.raises(SettingsError, match="expected PEM files"), client(url):
        pass


def test_a_key_that_does_not_fit_is_told_at_once(server: Server, made: Certificates) -> None:
    ours = {"ssl_certfile": made.of("client")[0], "ssl_keyfile": made.of("server")[1]}
    with pytest.raises(SettingsError, match="a key that fits its certificate"):
        async_client(address(server, **ours))
