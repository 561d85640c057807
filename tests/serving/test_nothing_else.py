"""The public port has what docs/http.md lists, and nothing else."""

from __future__ import annotations

import re

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
    "/%2e%2e/%2e%2e/etc/passwd",
    "/assets/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
]


@pytest.mark.parametrize("path", ELSEWHERE)
def test_any_other_path_is_not_there(ads: Running, path: str) -> None:
    answer = ads.get(path, headers={"host": "evil.example"})
    assert answer.status_code == 404
    assert answer.text in ("", "Not Found")
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
