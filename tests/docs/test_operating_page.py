"""docs/operating.md has a line for every setting, with its option and its default."""

from __future__ import annotations

from typing import Any

from adserver.cli.serve import serve
from adserver.settings import Settings
from tests.docs.pages import page, rows, section

LINES = {line[0]: line[1:] for line in rows(section(page("operating.md"), "## Settings"))}
OPTIONS = {parameter.name: parameter.opts[0] for parameter in serve.params}


def shown(default: Any) -> str:
    empty = default is None or default == () or str(default) in ("", "**********")
    secret = hasattr(default, "get_secret_value")
    return "none" if empty or secret else f"`{default}`"


def test_every_setting_has_its_line_and_no_other_has() -> None:
    assert sorted(LINES) == sorted(f"ADSERVER_{name.upper()}" for name in Settings.model_fields)


def test_options_and_defaults_are_the_settings_own() -> None:
    for name, field in Settings.model_fields.items():
        option, default, meaning = LINES[f"ADSERVER_{name.upper()}"]
        assert option.strip() == (f"`{OPTIONS[name]}`" if name in OPTIONS else ""), name
        assert default == shown(field.get_default()), name
        assert meaning, name
