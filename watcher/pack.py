"""The shipped rule pack: beside the package in a checkout, inside it when installed."""

from collections.abc import Iterator
from pathlib import Path

_HERE = Path(__file__).resolve().parent
_PLACES = (_HERE / "shipped", _HERE.parent / "rules")


def pack_folder() -> Path:
    """The folder of the shipped rules."""
    return next(place for place in _PLACES if place.is_dir())


def shipped_rules() -> Iterator[tuple[str, str]]:
    """Every file of the pack, name and text: the rules and their reference."""
    for path in sorted(pack_folder().iterdir()):
        if path.suffix in {".yaml", ".md"}:
            yield path.name, path.read_text()
