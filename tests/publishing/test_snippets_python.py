"""The snippets for Jinja and Django, imported and rendered."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import jinja2
import pytest

from tests.publishing.pasted import (
    AD,
    BEACON,
    EXPECTED_HEADERS,
    READER,
    AdServer,
    filled,
    forwarded_headers_of,
    in_each_case,
    running,
    written,
)


@pytest.fixture
def server() -> Iterator[AdServer]:
    with running() as told:
        yield told


def module(name: str, text: str, folder: Path) -> ModuleType:
    """The text as an imported module; `folder` is on the path."""
    (folder / f"{name}.py").write_text(text, encoding="utf-8")
    importlib.invalidate_caches()
    return importlib.import_module(name)


@pytest.fixture
def jinja_ads(tmp_path, server, monkeypatch) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(tmp_path)
    with fresh_module("jinja_ads"):
        yield module("jinja_ads", written("jinja", server), tmp_path)


@contextmanager
def fresh_module(name: str) -> Iterator[None]:
    sys.modules.pop(name, None)
    yield
    sys.modules.pop(name, None)


def jinja_page(ads: ModuleType) -> str:
    environment = jinja2.Environment(autoescape=True)
    ads.install(environment)
    decisions = ads.decide(["post-top"], "https://blog.example/a", READER, section="tech")
    return environment.from_string('{{ ad(ads, "post-top") }}').render(ads=decisions)


@in_each_case
def test_jinja_shows_the_ad_or_keeps_its_space(server, jinja_ads, behaviour, expected):
    behaviour(server)
    assert jinja_page(jinja_ads) == expected


def test_jinja_asks_for_the_page_and_its_reader(server, jinja_ads):
    filled(server)
    jinja_page(jinja_ads)
    assert server.asked == {
        "slots": ["post-top"],
        "context": {"url": "https://blog.example/a", "section": "tech"},
    }
    assert forwarded_headers_of(server) == EXPECTED_HEADERS


def test_jinja_does_not_mind_a_header_that_cannot_be_sent(server, jinja_ads):
    filled(server)
    assert jinja_ads.decide(["post-top"], "/", {"User-Agent": "a\r\nb: c"}) == {}


def needs_django() -> ModuleType:
    try:
        return importlib.import_module("django")
    except ImportError:
        message = "django IS NOT INSTALLED: the snippet for it has not been tested"
    if os.environ.get("CI") == "true":
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


@pytest.fixture
def django_page(tmp_path, server, monkeypatch) -> Iterator[Callable[[str], str]]:
    """A page with the tag on it, as a reader asks for it."""
    django = needs_django()
    from django.conf import settings
    from django.template import Context, Engine
    from django.test import RequestFactory

    if not settings.configured:
        settings.configure(ALLOWED_HOSTS=["*"], USE_I18N=True, LANGUAGE_CODE="fr")
        django.setup()
    monkeypatch.syspath_prepend(tmp_path)

    def page(text: str = '{% ad "post-top" %}') -> str:
        engine = Engine(libraries={"ads": "django_ads"})
        headers = {f"HTTP_{name.upper().replace('-', '_')}": v for name, v in READER.items()}
        request = RequestFactory().get("/a?b=1", SERVER_NAME="blog.example", **headers)
        return engine.from_string("{% load ads %}" + text).render(Context({"request": request}))

    with fresh_module("django_ads"):
        module("django_ads", written("django", server), tmp_path)
        yield page


@in_each_case
def test_django_shows_the_ad_or_keeps_its_space(server, django_page, behaviour, expected):
    behaviour(server)
    assert django_page() == expected


def test_django_asks_once_a_page_and_for_the_page(server, django_page):
    filled(server)
    shown = django_page('{% ad "post-top" %}{% ad "other" %}')
    assert shown == f'{AD}{BEACON}<div data-slot="other"></div>'
    assert server.asked == {
        "slots": ["post-top"],
        "context": {"url": "http://blog.example/a", "lang": "fr"},
    }
    assert forwarded_headers_of(server) == EXPECTED_HEADERS
