"""Templates of text that is not HTML, with signs of their own, as braces mean something there.

@{ value|escape }@    @% if … %@    @# … #@
"""

from __future__ import annotations

from collections.abc import Callable

from jinja2 import Environment, PackageLoader, StrictUndefined


def text_templates(
    folder: str, *, trimmed: bool = False, **escapes: Callable[[str], str]
) -> Environment:
    """Of a folder of this package. Nothing is escaped but by the filters `escapes`, which each
    value has to name. trimmed: lines with nothing but a `@% … %@` leave nothing behind."""
    environment = Environment(  # noqa: S701 - not HTML
        loader=PackageLoader("adserver.publishing", folder),
        variable_start_string="@{",
        variable_end_string="}@",
        block_start_string="@%",
        block_end_string="%@",
        comment_start_string="@#",
        comment_end_string="#@",
        trim_blocks=trimmed,
        lstrip_blocks=trimmed,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
    )
    environment.filters.update(escapes)
    return environment
