"""The public port has what docs/http.md lists and nothing else; the admin port is as strict."""

from __future__ import annotations

import re
import socket
from urllib.parse import urlsplit

import pytest

from adserver.serving.app import ROUTES
from tests.docs.pages import page
from tests.servers import Running

# What other software answers at such places, or what ours has on its other port or with `--dev`.
ELSEWHERE = [
    "/",
    "/metrics",
    "/livez",
    "/readyz",
    "/healthz",
    "/docs",
    "/redoc",
    "/admin",
    "/dev/generation",
    "/dev/why/words",
    "/dev/why.css",
    "/articles/x",
    "/demo/blog.css",
    "/.git/config",
    "/.env",
    "/.well-known/security.txt",
    "/config/site.yaml",
    "/server-status",
    "/debug/pprof/",
    "/assets",
    "/assets/",
    "/h",
    "/h/",
    "/i",
    "/c/",
    "/slots",
    "//slots/words",
    "/SLOTS/words",
    "/static/tag.js",
    "/tag.js/../../settings.py",
    "/tag.js/",
    "/tag.js/x",
    "/tag.js%2f",
    "/tag.js%2Fx?y",
    "/slots.css/",
    "/slots.css/x?frame",
    "/slots.css%2f",
    "/decisions/",
    "/decisions/x?slots=words",
    "/decisions%2f?slots=words",
    "/%2e%2e/%2e%2e/etc/passwd",
    "/assets/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
]


@pytest.mark.parametrize("path", ELSEWHERE)
def test_any_other_path_is_not_there(ads: Running, path: str) -> None:
    answer = ads.get(path, headers={"host": "evil.example"})
    assert answer.status_code == 404
    assert answer.text == ""
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "location" not in answer.headers
    assert "evil" not in str(answer.headers)


def test_what_is_there_is_in_the_docs() -> None:
    listed = set(re.findall(r"^\| `/([\w.]+)", page("http.md").partition("## Admin port")[0], re.M))
    assert set(ROUTES) == listed


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "PROPFIND"])
def test_no_method_changes_anything(ads: Running, method: str) -> None:
    for path in ("/slots/words", "/decisions", "/tag.js"):
        answer = ads.request(method, path)
        assert answer.status_code in (400, 405), path
        assert answer.content == b"" or answer.status_code == 400


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"x-forwarded-for": "192.0.2.1"}, 401),
        ({"forwarded": "for=192.0.2.1"}, 401),
        ({"host": "evil.example"}, 401),
        ({"host": "localhost"}, 200),
    ],
)
def test_the_metrics_of_a_real_node_are_for_who_asks_for_itself(
    ads: Running, headers: dict[str, str], status: int
) -> None:
    answer = ads.client.get(f"{ads.admin}/metrics", headers=headers)
    assert answer.status_code == status
    assert ("adserver_build_info" in answer.text) is (status == 200)


@pytest.mark.parametrize(
    ("request_head", "status"),
    [
        ("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n", b"200"),
        (f"GET /livez HTTP/1.1\r\nHost: localhost\r\nX: {'x' * 20_000}\r\n\r\n", b"431"),
        ("GET /livez HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n", b"400"),
        ("GET /livez HTTP/1.1\r\n\r\n", b"400"),
    ],
    ids=["as it should be", "endless head", "two hosts", "no host"],
)
def test_the_admin_port_has_the_limits_of_the_public_one(
    ads: Running, request_head: str, status: bytes
) -> None:
    where = urlsplit(ads.admin)
    with socket.create_connection((where.hostname, where.port), timeout=10) as connection:
        connection.sendall(request_head.encode())
        assert connection.recv(4_096).split(b" ")[1] == status
