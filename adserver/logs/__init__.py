"""Logs: lines for a person on a terminal, JSON elsewhere; standard error, one line an event.

What a stranger sends may get into a line. It must not end the line, steer the terminal that shows
it, fill the disk, or say who the reader is; so every line goes the same way, whoever writes it:

    an event → how many of its kind a second → addresses truncated → escaped → at most 2 KiB
"""

from __future__ import annotations

import logging
import sys
import time
from types import TracebackType

import structlog

from adserver.logs.addresses import without_readers
from adserver.logs.floods import Floods
from adserver.logs.lines import bounded, json_line, seen

log = structlog.get_logger(__name__)


def set_up(log_format: str) -> None:
    as_text = log_format == "text" or (log_format == "auto" and sys.stderr.isatty())
    renderer: list[structlog.types.Processor] = (
        [seen, bounded, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
        if as_text
        else [json_line]
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            Floods(time.monotonic),
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            without_readers,
            *renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    # What libraries say: only what goes wrong.
    root = logging.getLogger()
    root.handlers = [Libraries(logging.WARNING)]
    root.setLevel(logging.WARNING)
    sys.excepthook = crashed


class Libraries(logging.Handler):
    """What libraries say of requests and connections goes the way of our own lines."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            said = record.getMessage()
        except (TypeError, ValueError):
            said = str(record.msg)
        log.log(
            record.levelno,
            "library",
            logger=record.name,
            said=said,
            pattern=str(record.msg),
            exc_info=record.exc_info,
        )


def crashed(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    """What nobody has caught, on a line as well."""
    log.critical("crashed", exc_info=(kind, error, traceback))
