"""The fields and files of a `multipart/form-data` body."""

import re

from tests.standins.verdict import Files

_BOUNDARY = re.compile(r'boundary="?([^";]+)"?')
_NAME = re.compile(r'\bname="([^"]*)"')
_FILENAME = re.compile(r'\bfilename="([^"]*)"')


def parts_of(body: bytes, content_type: str) -> tuple[dict[str, str], dict[str, Files]]:
    """Fields by name; of files, the name in the form and then the file's own name.

    Raises:
        ValueError: when it is no whole form.
    """
    boundary = _BOUNDARY.search(content_type)
    if boundary is None:
        raise ValueError("there is no boundary")
    mark = b"--" + boundary[1].encode()
    pieces = (b"\r\n" + body).split(b"\r\n" + mark)
    if len(pieces) < 2 or not pieces[-1].startswith(b"--"):
        raise ValueError("the form has no end")
    fields: dict[str, str] = {}
    files: dict[str, Files] = {}
    for piece in pieces[1:-1]:
        head, empty_line, content = piece.partition(b"\r\n\r\n")
        name = _NAME.search(head.decode("utf-8"))
        if not empty_line or name is None:
            raise ValueError("a part has no name")
        filename = _FILENAME.search(head.decode("utf-8"))
        if filename is None:
            fields[name[1]] = content.decode("utf-8")
        else:
            files[name[1]] = {filename[1]: content}
    return fields, files
