"""An environment for commands that load a configuration and send nothing."""

import os
from collections.abc import Iterator, Mapping

_NOT_SECRET = frozenset({"TZ", "CREDENTIALS_DIRECTORY"})


class WithoutSecrets(Mapping[str, str]):
    """The process's own environment; a secret that it lacks is made up."""

    def __getitem__(self, name: str) -> str:
        return os.environ.get(name, "json://localhost")

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str)

    def __iter__(self) -> Iterator[str]:
        return iter(os.environ)

    def __len__(self) -> int:
        return len(os.environ)

    def get(self, name: str, default: str | None = None) -> str | None:  # type: ignore[override]
        return os.environ.get(name, default) if name in _NOT_SECRET else self[name]
