"""The reference: a bare ASGI callable on stock uvicorn that answers the bytes it is given.

Started as `uvicorn benchmarks.reference:app`. `ADSERVER_BENCH_BODY` names a file with the body;
without it the answer is 204.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

name = os.environ.get("ADSERVER_BENCH_BODY")
BODY = Path(name).read_bytes() if name else b""
STATUS = 200 if name else 204
HEADERS = (
    [(b"content-type", b"text/html; charset=utf-8"), (b"content-length", b"%d" % len(BODY))]
    if name
    else []
)


async def app(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": STATUS, "headers": HEADERS})
    await send({"type": "http.response.body", "body": BODY})
