"""The store as a whole: one connection, one transaction at a time, a reader and writer for each thing."""

from collections.abc import Iterator
from contextlib import contextmanager

from watcher.store.acts import Acts
from watcher.store.batches import Batches
from watcher.store.closings import Closings
from watcher.store.database import Database
from watcher.store.episodes import Episodes
from watcher.store.fleet import Fleet
from watcher.store.folds import Folds
from watcher.store.meta import Meta
from watcher.store.outbox import Outbox
from watcher.store.past import Past
from watcher.store.speech import Speech
from watcher.store.tasks import Tasks
from watcher.store.usage import Usage


class Store:
    """Everything below shares the database's connection and whatever transaction is open."""

    def __init__(self, database: Database) -> None:
        self.database = database
        connection = database.connection
        self.tasks = Tasks(connection)
        self.fleet = Fleet(connection)
        self.past = Past(connection, self.tasks, self.fleet)
        self.episodes = Episodes(connection)
        self.speech = Speech(connection)
        self.outbox = Outbox(connection)
        self.folds = Folds(connection)
        self.meta = Meta(connection)
        self.batches = Batches(connection)
        self.closings = Closings(connection)
        self.usage = Usage(connection)
        self.acts = Acts(connection)

    @contextmanager
    def atomic(self) -> Iterator[None]:
        """One transaction: everything in it is committed together, or nothing is."""
        with self.database.atomic():
            yield

    def close(self) -> None:
        self.database.close()
