"""`adserver schema` prints a schema, or writes those that the files name."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from adserver.publishing.json_schema import KINDS, json_schema
from adserver.publishing.read import read_folder
from tests.cli.command import adserver, write_folder


@pytest.mark.parametrize("kind", KINDS)
def test_a_schema_is_printed(kind) -> None:
    result = adserver("schema", kind)
    assert result.exit_code == 0
    assert orjson.loads(result.stdout) == json_schema(kind)


def test_without_a_name_it_is_that_of_campaigns() -> None:
    assert adserver("schema").stdout == adserver("schema", "campaign").stdout


def test_write_puts_all_of_them_beside_the_files(tmp_path: Path) -> None:
    folder = write_folder(tmp_path)
    result = adserver("schema", "--write", "--config", folder)
    assert result.stdout.splitlines() == [f"wrote {folder}/schemas/{kind}.json" for kind in KINDS]
    for kind in KINDS:
        written = (folder / "schemas" / f"{kind}.json").read_bytes()
        assert orjson.loads(written) == json_schema(kind)
    assert read_folder(folder).problems == ()


def test_write_refreshes_the_one_that_is_named(tmp_path: Path) -> None:
    folder = write_folder(tmp_path)
    (folder / "schemas").mkdir()
    (folder / "schemas" / "site.json").write_text("{}")
    result = adserver("schema", "site", "--write", "--config", folder, "--format", "json")
    assert orjson.loads(result.stdout) == {"written": [f"{folder}/schemas/site.json"]}
    assert [path.name for path in (folder / "schemas").iterdir()] == ["site.json"]
    assert orjson.loads((folder / "schemas" / "site.json").read_bytes()) == json_schema("site")


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("a file")
    result = adserver("schema", "--write", "--config", tmp_path / "config")
    assert result.exit_code == 2
    assert "cannot be written" in result.stderr


def test_an_unknown_kind_is_a_wrong_usage() -> None:
    assert adserver("schema", "campaings").exit_code == 2
