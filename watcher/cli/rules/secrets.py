"""An environment for commands that load a configuration and send nothing."""

import os
from collections.abc import Iterator, Mapping


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
        # What only may be there is not made up, but for the key.
        return os.environ.get(name, "none" if name == "NONCE_API_KEY" else default)
