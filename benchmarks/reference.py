"""The reference: a bare ASGI callable on stock uvicorn that gives one answer to everything.

Started as `uvicorn benchmarks.reference:app`; `ADSERVER_BENCH_ANSWER` names a file with the
answer, captured from the server under measure, so that both send the same bytes.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

answer = json.loads(Path(os.environ["ADSERVER_BENCH_ANSWER"]).read_text("utf-8"))
STATUS: int = answer["status"]
HEADERS = [(name.encode(), value.encode()) for name, value in answer["headers"]]
BODY: bytes = answer["body"].encode("latin-1")


async def app(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": STATUS, "headers": HEADERS})
    await send({"type": "http.response.body", "body": BODY})
