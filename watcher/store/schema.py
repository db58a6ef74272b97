"""The tables. A change of theirs is one more function here; each is applied in one transaction.

Every time is whole milliseconds since 1970 UTC; the views show them as text, for people with Datasette.
"""

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

APPLICATION_ID = 0x6E6F6E63
"""Marks the file as a store of nonce-watcher ("nonc")."""

migrations = Migrations("nonce-watcher")

_FIRST = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE rules (name TEXT PRIMARY KEY, digest TEXT NOT NULL, edited_at INT) STRICT;
CREATE TABLE requests (boot TEXT NOT NULL, at REAL NOT NULL) STRICT;

CREATE TABLE farms (id TEXT PRIMARY KEY, name TEXT NOT NULL, t0 INT, watermark INT, gone_at INT) STRICT;
CREATE TABLE miners (
    farm_id TEXT NOT NULL, id TEXT NOT NULL, ip TEXT, mac TEXT, serial TEXT, make TEXT, model TEXT,
    firmware TEXT, firmware_version TEXT, rack TEXT, location TEXT, mining_mode TEXT, lifecycle TEXT,
    health TEXT, first_look_at INT, watermark INT, active_at INT, gone_at INT,
    PRIMARY KEY (farm_id, id)
) STRICT;

CREATE TABLE tasks (
    key INTEGER PRIMARY KEY, farm_id TEXT NOT NULL, id TEXT NOT NULL, miner_id TEXT, batch_id TEXT,
    name TEXT NOT NULL, status TEXT NOT NULL,
    created_at INT, queuing_at INT, pending_at INT, succeed_at INT, failed_at INT, timed_out_at INT,
    cancelled_at INT, updated_at INT, actor TEXT, error TEXT, reason TEXT,
    payload TEXT, result TEXT, logs TEXT, miner TEXT, missing_since INT, lost_at INT,
    UNIQUE (farm_id, id)
) STRICT;
CREATE INDEX tasks_by_miner ON tasks (farm_id, miner_id);
CREATE INDEX tasks_open ON tasks (farm_id, miner_id)
    WHERE lost_at IS NULL AND status NOT IN ('succeed', 'failed', 'timed_out', 'cancelled');
CREATE TABLE transitions (
    task INT NOT NULL, status TEXT NOT NULL, at INT NOT NULL, observed_at INT NOT NULL,
    observed INT NOT NULL, since INT, baseline INT,
    PRIMARY KEY (task, status)
) STRICT, WITHOUT ROWID;
CREATE INDEX transitions_by_time ON transitions (at);

CREATE TABLE alerts (
    fingerprint TEXT PRIMARY KEY, rule TEXT NOT NULL, by TEXT NOT NULL, labels TEXT NOT NULL,
    severity TEXT NOT NULL
) STRICT;
CREATE TABLE episodes (
    id INTEGER PRIMARY KEY, alert TEXT NOT NULL, started_at INT NOT NULL, origin TEXT NOT NULL,
    count INT NOT NULL, total INT, first_at INT, last_at INT, tasks TEXT NOT NULL, known_at INT NOT NULL,
    ended_at INT, end_reason TEXT, ended_by TEXT, end_known_at INT
) STRICT;
CREATE INDEX episodes_by_alert ON episodes (alert, started_at);
CREATE INDEX episodes_open ON episodes (alert) WHERE ended_at IS NULL;
CREATE INDEX episodes_by_end ON episodes (ended_at);
CREATE TABLE decisions (
    id INTEGER PRIMARY KEY, at INT NOT NULL, alert TEXT NOT NULL, channel TEXT, reason TEXT NOT NULL,
    detail TEXT
) STRICT;
CREATE INDEX decisions_by_alert ON decisions (alert, at);

CREATE TABLE told (
    episode INT NOT NULL, channel TEXT NOT NULL, message TEXT NOT NULL, told_at INT NOT NULL,
    count INT NOT NULL, end_told_at INT,
    PRIMARY KEY (episode, channel)
) STRICT, WITHOUT ROWID;
CREATE TABLE groups (
    key TEXT PRIMARY KEY, channel TEXT NOT NULL, labels TEXT NOT NULL, anchored_at INT, spoken_at INT,
    flushes INT NOT NULL, reason TEXT
) STRICT;
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY, dedupe_key TEXT NOT NULL UNIQUE, channel TEXT NOT NULL, target TEXT NOT NULL,
    message TEXT NOT NULL, state TEXT NOT NULL, attempts INT NOT NULL, may_repeat INT NOT NULL,
    created_at INT NOT NULL, first_tried_at INT, next_at INT, finished_at INT, reason TEXT
) STRICT;
CREATE INDEX outbox_unfinished ON outbox (channel, target, id) WHERE state IN ('queued', 'sending');
CREATE TABLE deliveries (
    id INTEGER PRIMARY KEY, outbox INT NOT NULL, at INT NOT NULL, outcome TEXT NOT NULL, detail TEXT
) STRICT;
CREATE INDEX deliveries_by_outbox ON deliveries (outbox);

CREATE VIEW readable_tasks AS SELECT
    key, farm_id, id, miner_id, batch_id, name, status, reason,
    strftime('%Y-%m-%dT%H:%M:%fZ', created_at / 1000.0, 'unixepoch') AS created,
    strftime('%Y-%m-%dT%H:%M:%fZ', pending_at / 1000.0, 'unixepoch') AS pending,
    strftime(
        '%Y-%m-%dT%H:%M:%fZ', coalesce(succeed_at, failed_at, timed_out_at, cancelled_at) / 1000.0, 'unixepoch'
    ) AS ended
    FROM tasks;
CREATE VIEW readable_transitions AS SELECT
    t.farm_id, t.id AS task, t.name, t.miner_id, x.status,
    strftime('%Y-%m-%dT%H:%M:%fZ', x.at / 1000.0, 'unixepoch') AS at,
    strftime('%Y-%m-%dT%H:%M:%fZ', x.observed_at / 1000.0, 'unixepoch') AS observed_at,
    x.observed, x.baseline IS NOT NULL AS baseline
    FROM transitions AS x JOIN tasks AS t ON t.key = x.task;
"""


_BATCHES = """
CREATE TABLE batches (
    farm_id TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL, status TEXT NOT NULL, created_at INT,
    task_count INT, succeed_count INT, failed_count INT, actor TEXT,
    listed_at INT NOT NULL, read_at INT, open INT NOT NULL,
    PRIMARY KEY (farm_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX batches_to_read ON batches (farm_id) WHERE open = 1;
CREATE INDEX batches_by_creation ON batches (farm_id, created_at);
CREATE TABLE usage (minute INT NOT NULL, purpose TEXT NOT NULL, requests INT NOT NULL, PRIMARY KEY (minute, purpose))
    STRICT, WITHOUT ROWID;
CREATE TABLE gaps (farm_id TEXT NOT NULL, start INT NOT NULL, end INT NOT NULL, known_at INT NOT NULL) STRICT;
ALTER TABLE farms ADD COLUMN listed_at INT;
ALTER TABLE farms ADD COLUMN strategy TEXT;
ALTER TABLE farms ADD COLUMN probed_at INT;
ALTER TABLE farms ADD COLUMN agent_status TEXT;
ALTER TABLE tasks ADD COLUMN lacks TEXT;
ALTER TABLE tasks ADD COLUMN agent_status TEXT;
ALTER TABLE episodes ADD COLUMN cause TEXT;
CREATE INDEX tasks_by_batch ON tasks (farm_id, batch_id);
CREATE INDEX tasks_lacking ON tasks (farm_id, miner_id) WHERE lacks IS NOT NULL;
CREATE INDEX tasks_missing ON tasks (missing_since) WHERE missing_since IS NOT NULL AND lost_at IS NULL;
"""

_PLACES = """
ALTER TABLE miners ADD COLUMN introduced_at INT;
"""

_REASONS = """
ALTER TABLE decisions ADD COLUMN episode INT;
CREATE INDEX decisions_by_episode ON decisions (episode, channel);
"""

_CLOSINGS = """
CREATE TABLE closings (
    farm_id TEXT NOT NULL, batch_id TEXT NOT NULL, channel TEXT NOT NULL, said_at INT,
    PRIMARY KEY (farm_id, batch_id, channel)
) STRICT, WITHOUT ROWID;
CREATE INDEX closings_to_say ON closings (farm_id) WHERE said_at IS NULL;
"""

_ACTS = """
CREATE TABLE silences (
    id INTEGER PRIMARY KEY, match TEXT NOT NULL, starts_at INT NOT NULL, ends_at INT NOT NULL,
    author TEXT NOT NULL, comment TEXT NOT NULL, made_at INT NOT NULL
) STRICT;
CREATE INDEX silences_by_end ON silences (ends_at);
CREATE TABLE acks (
    episode INTEGER PRIMARY KEY, at INT NOT NULL, author TEXT NOT NULL, comment TEXT NOT NULL, count INT NOT NULL
) STRICT;
ALTER TABLE told ADD COLUMN first_at INT;
UPDATE told SET first_at = told_at;
"""

_LETTERS = """
CREATE TABLE messages (id TEXT PRIMARY KEY, text TEXT NOT NULL) STRICT;
INSERT OR IGNORE INTO messages (id, text) SELECT substr(dedupe_key, 1, instr(dedupe_key, '/') - 1), message FROM outbox;
ALTER TABLE outbox ADD COLUMN message_id TEXT NOT NULL DEFAULT '';
UPDATE outbox SET message_id = substr(dedupe_key, 1, instr(dedupe_key, '/') - 1);
ALTER TABLE outbox DROP COLUMN message;
ALTER TABLE outbox ADD COLUMN stands_for INT NOT NULL DEFAULT 1;
ALTER TABLE outbox ADD COLUMN owed INT NOT NULL DEFAULT 0;
ALTER TABLE outbox ADD COLUMN folded_into INT;
ALTER TABLE outbox ADD COLUMN fallback_of INT;
CREATE INDEX outbox_by_message ON outbox (message_id);
CREATE INDEX outbox_sent ON outbox (channel, target, finished_at) WHERE state = 'sent';
CREATE INDEX outbox_owed ON outbox (channel, target, id) WHERE owed = 1;
CREATE INDEX outbox_folded ON outbox (folded_into) WHERE folded_into IS NOT NULL;
CREATE INDEX outbox_fallbacks ON outbox (fallback_of) WHERE fallback_of IS NOT NULL;
CREATE INDEX told_by_message ON told (channel, message);
"""


@migrations()
def first_tables(db: Database) -> None:
    _apply(db, _FIRST)


@migrations()
def batches(db: Database) -> None:
    _apply(db, _BATCHES)


@migrations()
def places(db: Database) -> None:
    _apply(db, _PLACES)


@migrations()
def reasons(db: Database) -> None:
    _apply(db, _REASONS)


@migrations()
def closings(db: Database) -> None:
    _apply(db, _CLOSINGS)


@migrations()
def acts(db: Database) -> None:
    _apply(db, _ACTS)


@migrations()
def letters(db: Database) -> None:
    _apply(db, _LETTERS)


def _apply(db: Database, statements: str) -> None:
    for statement in statements.split(";"):
        if statement.strip():
            db.execute(statement)


def is_newer(db: Database) -> bool:
    """Whether a later version of nonce-watcher has changed the tables."""
    ours = {migration.name for migration in migrations._migrations}  # noqa: SLF001 - no public list of all
    return any(applied.name not in ours for applied in migrations.applied(db))
