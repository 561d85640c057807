"""The snippet for nginx, in a real nginx."""

from __future__ import annotations

import os
import ssl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from adserver.publishing.snippet import Addresses, snippet
from tests.certificates import Certificates, make_certificates
from tests.programs import needs
from tests.publishing.pasted import (
    AD,
    EXPECTED_HEADERS,
    READER,
    SLOT,
    AdServer,
    empty,
    failing,
    filled,
    forwarded_headers_of,
    running,
    silent,
    written,
)


@pytest.fixture
def server() -> Iterator[AdServer]:
    with running() as told:
        yield told


NGINX = """
{user}
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen unix:{folder}/nginx.sock;
        {snippet}
        location / {{
            root {folder}/pages;
            default_type text/html;
            ssi on;
            ssi_silent_errors on;
        }}
    }}
}}
"""


Page = Callable[..., str]


@contextmanager
def nginx(folder: Path, server: AdServer, text: str = "") -> Iterator[Page]:
    """A site with the snippet in its configuration and on its page; the body of a path."""
    text = text or written("nginx-ssi", server)
    include = text.partition("where the ad goes:\n#")[2].strip()
    (folder / "pages").mkdir()
    (folder / "pages" / "a").write_text(f"<p>before {include} after</p>", encoding="utf-8")
    # As root its workers would be somebody who may not read the test's folder.
    user = "user root root;" if os.getuid() == 0 else ""
    config = folder / "nginx.conf"
    config.write_text(NGINX.format(folder=folder, snippet=text, user=user), encoding="utf-8")
    command = [needs("nginx"), "-p", str(folder), "-c", str(config)]
    subprocess.run([*command, "-t"], capture_output=True, timeout=30, check=True)
    subprocess.run(command, capture_output=True, timeout=30, check=True)  # returns once it listens
    transport = httpx.HTTPTransport(uds=str(folder / "nginx.sock"))
    try:
        with httpx.Client(transport=transport, base_url="http://blog.example") as reader:
            yield lambda path, **more: reader.get(path, headers={**READER, **more}).text
    finally:
        subprocess.run([*command, "-s", "stop"], capture_output=True, timeout=30, check=True)


@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [(filled, AD), (empty, ""), (failing, ""), (silent, "")],
)
def test_nginx_pastes_the_ad_or_nothing(tmp_path, server, behaviour, expected):
    behaviour(server)
    server.body = AD.encode() if behaviour is filled else b""
    with nginx(tmp_path, server) as page:
        assert page("/a") == f"<p>before {expected} after</p>"


def test_nginx_asks_for_the_page_and_its_reader(tmp_path, server):
    with nginx(tmp_path, server) as page:
        page("/a?utm=1&consent=1&exclude=a")
    ((path, headers, _),) = server.calls
    # What a reader writes behind the page's address is no context of ours.
    assert path == "/slots/post-top"
    assert headers["referer"] == "http://blog.example/a?utm=1&consent=1&exclude=a"
    assert forwarded_headers_of(server) == EXPECTED_HEADERS


def test_nginx_shows_nothing_where_no_ad_server_is(tmp_path, server):
    gone = AdServer(address="http://127.0.0.1:1")
    with nginx(tmp_path, gone) as page:
        assert page("/a") == "<p>before  after</p>"


def test_nginx_sends_readers_on_to_an_ad_server_without_a_public_address(tmp_path, server):
    server.body = b"GIF"
    with nginx(tmp_path, server) as page:
        assert page("/i/ticket") == "GIF"
    assert server.calls[0][0] == "/i/ticket"


@pytest.mark.parametrize("status", [301, 400, 404, 413, 415, 421, 429, 431, 451, 500, 503, 521])
def test_nginx_pastes_no_text_of_another_answer(tmp_path, server, status):
    server.status, server.body = status, b'{"error": "no", "hint": "none"}'
    with nginx(tmp_path, server) as page:
        assert page("/a") == "<p>before  after</p>"


def test_nginx_says_where_the_reader_is_and_readers_do_not(tmp_path, server):
    forged = {"X-Forwarded-For": "203.0.113.9", "CF-IPCountry": "FR"}
    with nginx(tmp_path, server) as page:
        page("/a", **forged)
        page("/i/ticket", **forged)
    assert [path for path, _, _ in server.calls] == ["/slots/post-top", "/i/ticket"]
    for _, headers, _ in server.calls:
        assert headers["x-forwarded-for"] == "unix:"  # what nginx calls who comes by a socket
        assert not {"cf-ipcountry", "cookie"} & headers.keys()


# --- Over TLS ---

AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@contextmanager
def behind_tls(
    certificates: Certificates, name: str
) -> Iterator[tuple[AdServer, list[str | None]]]:
    """An ad server with that certificate, and the names that it was asked by."""
    asked: list[str | None] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificates.of(name))
    context.sni_callback = lambda _, said, __: asked.append(said)
    with running(context) as told:
        told.body = AD.encode()
        yield told, asked


def over_tls(certificates: Certificates, server: AdServer, host: str) -> str:
    """The snippet for an ad server at https://HOST, where the test's authority is trusted."""
    address = server.address.replace("http://127.0.0.1", f"https://{host}")
    text = snippet("nginx-ssi", SLOT, Addresses(address, address))
    assert text.count(AUTHORITIES) == 1
    return text.replace(AUTHORITIES, certificates.of("ca")[0])


def test_nginx_pastes_what_comes_from_the_server_of_that_name(tmp_path, certificates):
    with (
        behind_tls(certificates, "server") as (server, asked),
        nginx(tmp_path, server, over_tls(certificates, server, "localhost")) as page,
    ):
        assert page("/a") == f"<p>before {AD} after</p>"
    assert asked == ["localhost"]


@pytest.mark.parametrize(
    ("name", "host"), [("stranger", "localhost"), ("ca", "localhost"), ("server", "127.0.0.2")]
)
def test_nginx_pastes_nothing_of_a_server_that_cannot_prove_its_name(
    tmp_path, certificates, name, host
):
    """Signed by nobody that is trusted; by itself; and of another name."""
    with behind_tls(certificates, name) as (server, _):
        text = over_tls(certificates, server, host)
        if name == "ca":
            text = text.replace(certificates.of("ca")[0], certificates.of("another-ca")[0])
        with nginx(tmp_path, server, text) as page:
            assert page("/a") == "<p>before  after</p>"
        assert server.calls == []


def test_control_without_verification_it_is_pasted(tmp_path, certificates):
    with behind_tls(certificates, "stranger") as (server, _):
        text = over_tls(certificates, server, "localhost").replace("verify on", "verify off")
        with nginx(tmp_path, server, text) as page:
            assert page("/a") == f"<p>before {AD} after</p>"


def test_without_tls_there_is_nothing_to_verify(server):
    assert "proxy_ssl" not in written("nginx-ssi", server)
