"""The reference: a bare ASGI callable on stock uvicorn that gives prepared answers.

Started as `uvicorn benchmarks.reference:app`; `ADSERVER_BENCH_ANSWERS` names a file of answers
that were captured from the server under measure, so that both send the same bytes. With one it is
given to everybody, with several by the first letter of the path.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

answers = json.loads(Path(os.environ["ADSERVER_BENCH_ANSWERS"]).read_text("utf-8"))


def prepared(answer: Any) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    headers = [(name.encode(), value.encode()) for name, value in answer["headers"]]
    return answer["status"], headers, answer["body"].encode("latin-1")


ANSWERS = {letter: prepared(answer) for letter, answer in answers.items()}
STATUS, HEADERS, BODY = next(iter(ANSWERS.values()))


async def one(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": STATUS, "headers": HEADERS})
    await send({"type": "http.response.body", "body": BODY})


async def several(scope: Any, receive: Any, send: Any) -> None:
    status, headers, body = ANSWERS[scope["path"][1]]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


app = one if len(ANSWERS) == 1 else several
