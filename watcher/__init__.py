"""nonce-watcher: watches miner tasks through the Nonce API and tells the right people, once."""

__version__ = "0.1.0"
