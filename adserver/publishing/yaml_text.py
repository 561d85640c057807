"""Texts as YAML that our own strict reader reads back as the same texts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from adserver.publishing.nodes import Kind, plain_kind

# Nothing in it means anything to YAML, in a list in brackets either; a colon only within a word.
PLAIN = re.compile(r"[\w/](?:[\w ./()+@'’–—;=~%$€&-]|:(?=[\w/]))*")


def scalar(text: str, *, is_text: bool = True) -> str:
    """The text as a value: plain where that reads back as the same, else in double quotes.

    is_text: whether a text is meant, so that `true` and `8.50` need quotes; otherwise they stay
    the flag and the number that they look like.
    """
    if PLAIN.fullmatch(text) and not text.endswith(" "):
        if not is_text or plain_kind(text) is Kind.TEXT:
            return text
    elif not is_text and plain_kind(text) is Kind.NUMBER:
        return text
    # JSON's escapes are YAML's; what is not ASCII stays readable.
    return json.dumps(text, ensure_ascii=False)


def flow_list(texts: Iterable[str], *, is_text: bool = True) -> str:
    return f"[{', '.join(scalar(text, is_text=is_text) for text in texts)}]"
