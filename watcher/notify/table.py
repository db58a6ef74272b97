"""What a message had to cut, as a CSV file that goes along with it."""

import csv
import re
from io import StringIO

from watcher.model.message import TaskLine
from watcher.notify.document import Document
from watcher.notify.text import Attachment, clean

_LONGEST = 400
_FORMULA = ("=", "+", "-", "@", "\N{FULLWIDTH COMMERCIAL AT}", "\t", "\r")


def attachment(document: Document, *, apart: bool = False) -> Attachment | None:
    """The table of a document that shows less than it is about; `apart` as in `Attachment`."""
    if not document.rows or not document.is_cut:
        return None
    name = re.sub(r"[^\w-]", "", document.name, flags=re.ASCII)[:40]
    return Attachment(f"nonce-watcher-{name}.csv", _csv(document.rows), apart=apart)


def _csv(rows: tuple[TaskLine, ...]) -> bytes:
    """UTF-8 with a mark, without which spreadsheets take it for something else; no cell is a formula."""
    file = StringIO()
    writer = csv.writer(file)
    writer.writerow(TaskLine._fields)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return file.getvalue().encode("utf-8-sig")


def _cell(value: str | None) -> str:
    text = clean(value or "", _LONGEST)
    return f"'{text}" if text.startswith(_FORMULA) else text
