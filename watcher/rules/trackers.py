"""Every alert that fires or might soon, and who listens for what."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator

from watcher.model.times import Millis
from watcher.rules.rule import Rule
from watcher.rules.scope import Scope
from watcher.rules.tracker import AlertKey, Tracker, new_tracker


class Trackers:
    """The trackers by alert, by whose watermark they go by, and by the topics they listen for."""

    def __init__(self) -> None:
        self._trackers: dict[AlertKey, Tracker] = {}
        self._by_scope: defaultdict[Scope, set[AlertKey]] = defaultdict(set)
        self._listeners: defaultdict[tuple[str, Hashable], set[AlertKey]] = defaultdict(set)

    def clear(self) -> None:
        self._trackers.clear()
        self._by_scope.clear()
        self._listeners.clear()

    def __contains__(self, key: AlertKey) -> bool:
        return key in self._trackers

    def __iter__(self) -> Iterator[AlertKey]:
        return iter(self._trackers)

    def __getitem__(self, key: AlertKey) -> Tracker:
        return self._trackers[key]

    def get(self, key: AlertKey) -> Tracker | None:
        return self._trackers.get(key)

    def all(self) -> Iterable[Tracker]:
        return self._trackers.values()

    def made(self, rule: Rule, key: AlertKey, scope: Scope, *, traced: bool = False) -> Tracker:
        """The alert's tracker, new if there is none."""
        tracker = self._trackers.get(key)
        if tracker is None:
            tracker = self._trackers[key] = new_tracker(rule, key, scope)
            tracker.life.traced = traced
            self._by_scope[scope].add(key)
        return tracker

    def renewed(self, rule: Rule, key: AlertKey) -> Tracker:
        """An empty tracker in the place of the old one, which keeps its topics."""
        old = self._trackers[key]
        tracker = self._trackers[key] = new_tracker(rule, key, old.scope)
        tracker.topics = old.topics
        return tracker

    def listen(self, tracker: Tracker, topic: Hashable) -> None:
        self._listeners[tracker.key[0], topic].add(tracker.key)
        tracker.topics.add(topic)

    def listeners(self, rule: str, topic: Hashable) -> set[AlertKey]:
        return set(self._listeners.get((rule, topic), ()))

    def going_by(self, scopes: Iterable[Scope]) -> set[AlertKey]:
        """Those whose watermark may be one of these. Read by batches, a farm's miners and batches go by the farm's."""
        moved = set(scopes)
        farms = {scope for scope in moved if scope.farm_id and scope == Scope(scope.farm_id)}
        if farms:
            moved |= {scope for scope in self._by_scope if Scope(scope.farm_id) in farms}
        return {key for scope in moved for key in self._by_scope.get(scope, ())}

    def about(self, farm_id: str, miner_id: str | None = None) -> list[AlertKey]:
        """Those that are about a farm alone, or one miner of it."""
        return [
            key
            for scope, keys in self._by_scope.items()
            if scope.farm_id == farm_id and miner_id in (None, scope.miner_id)
            for key in keys
        ]

    def next_edge(self, farm_id: str) -> Millis | None:
        """The next moment at which time alone may make something true about a farm."""
        edges = (
            tracker.signal.next_edge()
            for scope, keys in self._by_scope.items()
            if scope.farm_id == farm_id
            for tracker in (self._trackers[key] for key in keys)
            if tracker.of_open_tasks
        )
        return min((edge for edge in edges if edge is not None), default=None)

    def forget(self, tracker: Tracker) -> None:
        del self._trackers[tracker.key]
        self._by_scope[tracker.scope].discard(tracker.key)
        if not self._by_scope[tracker.scope]:
            del self._by_scope[tracker.scope]
        for topic in tracker.topics:
            listeners = self._listeners[tracker.key[0], topic]
            listeners.discard(tracker.key)
            if not listeners:
                del self._listeners[tracker.key[0], topic]
