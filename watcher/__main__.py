"""`python -m watcher` is `nonce-watcher`."""

from watcher.cli import main

main()
