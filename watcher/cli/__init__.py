"""The commands. One module each; a new one is a module and a line in `app`."""

from watcher.cli.app import main

__all__ = ["main"]
