"""Why a task failed, in the row's own words, and those words masked so that they can be counted."""

import re
from collections.abc import Mapping
from typing import Any

from watcher.model.task import Task

_RESULT_KEYS = ("error", "reason", "message", "detail", "description")
_COMPLAINTS = ("error", "fatal", "critical", "err")
_LONGEST = 400

_MASKS = (
    (re.compile(r"https?://\S+"), "<url>"),
    (re.compile(r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b"), "<id>"),
    (re.compile(r"\b(?:[0-9a-fA-F]{2}[:-]){5}[0-9a-fA-F]{2}\b"), "<mac>"),
    (re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b"), "<ip>"),
    (re.compile(r"\b0x[0-9a-fA-F]+\b|\b(?=[0-9a-fA-F]*\d)[0-9a-fA-F]{12,}\b"), "<id>"),
    (re.compile(r"\d+(?:\.\d+)*"), "<n>"),
)


def error_text(task: Task) -> str | None:
    """The reason of a failure: the error field, else what the result says, else the log's last complaint.

    2.1 has no error field, so a failure's reason has to be read from `result` and `logs`.
    """
    if task.error:
        return task.error
    from_result = _said_by(task.result)
    if from_result:
        return from_result
    for line in reversed(task.logs):
        if line.level is not None and line.level.lower() in _COMPLAINTS:
            return line.message
    return None


def _said_by(result: Any) -> str | None:  # noqa: ANN401 - `result` is whatever JSON the miner's agent returned
    if isinstance(result, str):
        return result.strip() or None
    if isinstance(result, Mapping):
        for key in _RESULT_KEYS:
            said = _said_by(result.get(key))
            if said:
                return said
    return None


def masked(text: str) -> str:
    """The text on one line with addresses, ids and numbers masked: what differs from miner to miner is gone.

    `"block 4711 at 10.0.3.7 failed"` becomes `"block <n> at <ip> failed"`.
    """
    line = " ".join(text[:_LONGEST].split())
    for pattern, mask in _MASKS:
        line = pattern.sub(mask, line)
    return line
