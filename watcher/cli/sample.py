"""A message like those that will come, for `notify`."""

from watcher.model.message import Message, MinerLine, Say, Section, Severity, State
from watcher.model.times import MINUTE, Millis


def sample(channel: str, now: Millis) -> Message:
    """Twelve failed firmware updates that never happened."""
    section = Section(
        rule="firmware-update-failed",
        summary="This is a test: firmware updates failed",
        state=State.FIRING,
        severity=Severity.INFO,
        labels={"rule": "firmware-update-failed", "severity": "info", "farm": "Example farm"},
        alerts=12,
        alert_ids=("0123456789ab",),
        new=12,
        count=12,
        total=None,
        tasks={"miner.firmware.update failed": 12},
        reasons=(("checksum mismatch at block <n>", 9), ("no answer from <ip>", 3)),
        miners=tuple(MinerLine(f"example-{n:02d}", "Antminer S19 Pro", f"10.0.0.{n}") for n in range(1, 11)),
        miners_total=12,
        first_at=now - 4 * MINUTE,
        last_at=now - MINUTE,
        started_at=now - 4 * MINUTE,
    )
    return Message(
        id="test",
        say=Say.SAMPLE,
        channel=channel,
        severity=Severity.INFO,
        sections=(section,),
        at=now,
        notes=("nonce-watcher notify sent this test; nothing happened.",),
    )
