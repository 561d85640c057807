"""The snippet for nginx, in a real nginx."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.programs import needs
from tests.publishing.pasted import (
    AD,
    EXPECTED_HEADERS,
    READER,
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


@contextmanager
def nginx(folder: Path, server: AdServer) -> Iterator[Callable[[str], str]]:
    """A site with the snippet in its configuration and on its page; the body of a path."""
    text = written("nginx-ssi", server)
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
            yield lambda path: reader.get(path, headers=READER).text
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
