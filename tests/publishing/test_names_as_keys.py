"""Names that would mean something in a key of the store, in a row or in a label are no names."""

from __future__ import annotations

import pytest

from adserver.publishing.read import read_folder
from tests.cli.command import write_folder

NAMES = (
    "{c7}", "a{b}", "a:b", "a|b", "a/b", "a\\b", "a b", "a*", "a?", "a[b]", "a,b", "a;b", "a=b",
    'a"b',
    "a'b", "a\tb", "a%7Db", "-a", ".a", "..", "a" * 81, "é", "а", "a\u200bb", "a\u202eb",
    "__proto__",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_no_slot_has_such_a_name(tmp_path, name: str) -> None:
    folder = write_folder(tmp_path)
    assert read_folder(folder).catalog is not None
    slots = folder / "slots.yaml"
    quoted = name.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t")
    written = f'"{quoted}": {{title: A, sizes: {{desktop: 728x90, mobile: 320x100}}}}\n'
    slots.write_text(slots.read_text("utf-8") + written, "utf-8")
    made = read_folder(folder)
    assert made.catalog is None
    assert [one for one in made.problems if one.severity == "error" and "slots.yaml" in one.file]
