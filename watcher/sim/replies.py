"""The two documented shapes of a reply: the envelope of a success, and an error's body."""

from http import HTTPStatus
from typing import Any

from starlette.responses import JSONResponse

Document = dict[str, Any]


class Refused(Exception):
    """A request that the API refuses, with its status."""

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers


def envelope(data: Any, pagination: Document | None = None) -> Document:  # noqa: ANN401 - JSON
    paged = {} if pagination is None else {"pagination": pagination}
    return {"success": True, "data": data, **paged, "error": None}


def error(status: int, message: str, headers: dict[str, str] | None = None) -> JSONResponse:
    known = status in HTTPStatus.__members__.values()
    name = HTTPStatus(status).phrase if known else "Unknown Error"
    return JSONResponse({"statusCode": status, "message": message, "error": name}, status, headers)
