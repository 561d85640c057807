"""Le Comptoir: the demonstration's pages, under a Content-Security-Policy as strict as any."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, select_autoescape
from markupsafe import Markup
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from adserver.demo.articles import ARTICLES, BY_SLUG
from adserver.demo.fragments import fragments

HERE = Path(__file__).parent
SITE_NAME = "Le Comptoir"
HEADERS = {
    "content-security-policy": "default-src 'self'",
    "referrer-policy": "strict-origin-when-cross-origin",
    "x-content-type-options": "nosniff",
}


def blog(ad_server: Callable[[], ASGIApp], address: str) -> Starlette:
    """ad_server: gives the app that answers /decisions. address: the blog's own, no slash."""
    environment = Environment(
        loader=PackageLoader("adserver.demo"),
        autoescape=select_autoescape(),
        trim_blocks=True,
        lstrip_blocks=True,
    )

    async def ads(request: Request, slots: list[str], **context: Any) -> dict[str, Markup]:
        url = f"{address}{request.url.path}"
        page = {"url": url, "lang": "fr", **context}
        found = await fragments(ad_server, slots, page, request.headers.raw)
        return {slot: Markup(html) for slot, html in found.items()}  # noqa: S704 - our own server's

    def render(template: str, request: Request, **values: Any) -> Response:
        page = environment.get_template(template).render(
            site_name=SITE_NAME,
            articles=ARTICLES,
            page_url=f"{address}{request.url.path}",
            **values,
        )
        return HTMLResponse(page, headers=HEADERS)

    async def home(request: Request) -> Response:
        return render("home.html", request, ads=await ads(request, ["home-top", "home-bottom"]))

    async def article(request: Request) -> Response:
        found = BY_SLUG.get(request.path_params["slug"])
        if found is None:
            return PlainTextResponse("Cette page n’existe pas.\n", 404, HEADERS)
        placed: Mapping[str, Markup] = {}
        if found.ad_mode == "fragment":
            slots = ["post-top", "post-bottom"]
            placed = await ads(request, slots, section=found.section, tags=list(found.tags))
        return render("article.html", request, article=found, ads=placed)

    app = Starlette(
        routes=[
            Route("/", home),
            Route("/articles/{slug}", article),
            Mount("/demo", StaticFiles(directory=HERE / "static")),
        ]
    )
    app.router.redirect_slashes = False  # it would send people on to whatever Host they said
    return app
