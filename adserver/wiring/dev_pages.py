"""The pages that only `serve --dev` has: why a slot shows what it shows, as `adserver why` says."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from adserver.core.errors import NoSuchName, StoreUnavailable
from adserver.core.flights import zone
from adserver.publishing import moments
from adserver.publishing.why import Question, why
from adserver.serving.request import Pages, context_of, read_query
from adserver.settings import Settings
from adserver.store.address import shown
from adserver.wiring.control import ControlPlane, control_plane

ANY_ORIGIN = {"access-control-allow-origin": "*"}
STYLES = Path(__file__).parent / "templates" / "why.css"
HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; style-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


def dev_pages(settings: Settings, generation: Callable[[], int]) -> Starlette:
    """generation: the number of the one that this worker serves."""
    page = Environment(
        loader=PackageLoader("adserver.wiring"),
        autoescape=True,
        trim_blocks=True,
        undefined=StrictUndefined,
    ).get_template("why.html")

    def answer(request: Request) -> Response:
        """Not a coroutine, so that asking the store keeps no ad waiting."""
        slot = request.path_params["slot"]
        values = {"slot": slot, "base": settings.public_url.rstrip("/"), "problem": ""}
        status = 200
        try:
            with control_plane(settings) as plane:
                values |= found(settings, plane, slot, request.url.query)
        except NoSuchName as error:
            values["problem"], status = f"{error}.", 404
        except StoreUnavailable as error:
            values["problem"], status = f"{error}.", 503
        return HTMLResponse(page.render(values), status, HEADERS)

    async def styles(_: Request) -> Response:
        return Response(STYLES.read_bytes(), 200, HEADERS, "text/css")

    async def number(_: Request) -> Response:
        """By which dev.js knows that there is something to show."""
        return PlainTextResponse(f"{generation()}", 200, HEADERS | ANY_ORIGIN)

    async def nothing(_: Request, __: Exception) -> Response:
        return Response(status_code=404, headers=HEADERS | ANY_ORIGIN)

    app = Starlette(
        exception_handlers={404: nothing},
        routes=[
            Route("/dev/generation", number),
            Route("/dev/why.css", styles),
            Route("/dev/why/{slot}", answer),
        ],
    )
    app.router.redirect_slashes = False  # it would send people on to whatever Host they said
    return app


def found(settings: Settings, plane: ControlPlane, slot: str, query: str) -> dict[str, Any]:
    live = plane.catalogs.live()
    if live is None:
        return {"problem": "Nothing is served yet: the config folder has errors."}
    generation, now = live[0], time.time()
    facts, ignored = read_query(query.encode())
    context = context_of(facts, {}, Pages.of(generation.catalog), ignored)
    question = Question(slot, context, now, pauses=tuple(plane.pauses.known()))
    answer = why(generation, question)
    given = [f"{key}={','.join(values)}" for key, values in facts.items()]
    words = ["adserver", "--redis", shown(settings.redis), "why", slot, *given]
    return {
        "at": moments.iso(now, zone(generation.catalog.site.timezone)),
        "device": context.device,
        "url": context.url,
        "generation": generation.number,
        "candidates": answer.candidates,
        "command": shlex.join(words),
    }
