"""Server-side fragments, as a publisher's own server would fetch them: one POST a page.

Here the ad server is an ASGI app in the same process, so the call goes to it directly; what is
sent and what comes back is what `adserver snippet --for jinja` does over HTTP.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

import orjson
from starlette.types import ASGIApp, Message

# What the visitor's browser says of itself; the ad server reads nothing else of it.
FORWARDED = (b"user-agent", b"accept-language", b"sec-gpc", b"dnt", b"sec-ch-ua-mobile")
Headers = Sequence[tuple[bytes, bytes]]


async def fragments(
    ad_server: Callable[[], ASGIApp],
    slots: Sequence[str],
    context: Mapping[str, Any],
    headers: Headers,
) -> dict[str, str]:
    """Slot → HTML to paste, impression beacon included."""
    call = orjson.dumps({"slots": list(slots), "context": dict(context)})
    answer = orjson.loads(await post(ad_server(), "/decisions", call, headers))
    return {decision["slot"]: pasted(decision) for decision in answer["decisions"]}


def pasted(decision: Mapping[str, Any]) -> str:
    html = str(decision.get("html", ""))
    if not decision["filled"]:
        return html
    beacon = escape(decision["impression_url"])
    return f'{html}<img src="{beacon}" width="1" height="1" alt="" hidden>'


async def post(app: ASGIApp, path: str, body: bytes, headers: Headers) -> bytes:
    """One ASGI request; the answer's body."""
    forwarded = [(name, value) for name, value in headers if name in FORWARDED]
    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "query_string": b"",
        "headers": [(b"content-type", b"application/json"), *forwarded],
        "client": None,
    }
    answered: list[bytes] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        answered.append(message.get("body", b""))

    await app(scope, receive, send)
    return b"".join(answered)
