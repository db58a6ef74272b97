"""The log: JSON lines or a console, one line an event; other libraries' chatter stays out of it."""

import logging
import sys
from typing import Any

import structlog

_LOUD = ("apprise", "urllib3", "requests", "httpx", "httpcore", "asyncio", "uvicorn")
"""At debug these print addresses with their tokens."""


def configure(level: str, style: str) -> None:
    """Log to standard error.

    Args:
        level: debug, info, warning or error.
        style: console, json, or auto: a console on a terminal, JSON lines otherwise.
    """
    for name in _LOUD:
        logging.getLogger(name).setLevel(logging.WARNING)
    console = style == "console" or (style == "auto" and sys.stderr.isatty())
    renderer: Any = (
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
        if console
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.StackInfoRenderer(),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
