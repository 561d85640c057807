"""Questions on a terminal, asked again until the answer can be used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import click


@dataclass(frozen=True, slots=True)
class Asked:
    """take: keeps the answer, or refuses it by a UsageError. default: what Enter says; None where
    something has to be said."""

    question: str
    default: str | None
    take: Callable[[str], None]


def ask_until_good(asked: Asked) -> None:
    """On stderr, as the answer on stdout may be a file."""

    def taken(answer: str) -> str:
        asked.take(answer)
        return answer

    click.prompt(
        asked.question,
        default=asked.default,
        show_default=bool(asked.default),
        value_proc=taken,
        err=True,
        prompt_suffix=" ",
    )
