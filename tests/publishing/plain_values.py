"""A YAML text as the plain values that an editor checks against a schema."""

from __future__ import annotations

import json
from typing import Any

from adserver.publishing.files import decode, parse
from adserver.publishing.findings import Findings
from adserver.publishing.nodes import Kind, ListNode, MapNode, Node


def plain(node: Node) -> Any:
    if isinstance(node, MapNode):
        return {key: plain(value) for key, (_, value) in node.entries.items()}
    if isinstance(node, ListNode):
        return [plain(item) for item in node.items]
    match node.kind:
        case Kind.FLAG:
            return node.text.casefold() == "true"
        case Kind.NOTHING:
            return None
        case Kind.NUMBER:
            return number(node.text)
    return node.text


def number(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        return float(text)


def plain_file(data: bytes) -> Any:
    """None where the file is no YAML that we read."""
    findings = Findings("x.yaml")
    text = decode(data, findings)
    node = parse(text, findings) if text is not None else None
    return None if node is None or findings.failed else json.loads(json.dumps(plain(node)))
