"""The unit file, as systemd itself judges it."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

UNIT = Path(__file__).resolve().parents[2] / "systemd" / "nonce-watcher.service"

needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here")


@needs_systemd
def test_systemd_finds_nothing_to_say_about_it() -> None:
    # It exits with 0 even for a misspelt setting: only silence counts.
    done = subprocess.run(["systemd-analyze", "verify", str(UNIT)], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("", "")


@needs_systemd
def test_its_exposure_is_at_most_one_and_a_half() -> None:
    command = ["systemd-analyze", "security", "--offline=yes", "--no-pager", str(UNIT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)
    assert found is not None, done.stdout + done.stderr
    assert float(found[1]) <= 1.5


@pytest.mark.parametrize(
    "setting",
    [
        "Type=notify",
        "WatchdogSec=180",
        "RestartPreventExitStatus=2",
        "StateDirectoryMode=0750",
        "UMask=0027",
        "LoadCredential=nonce-api-key:/etc/nonce-watcher/nonce-api-key",
        "ExecReload=/bin/kill -HUP $MAINPID",
        "User=nonce-watcher",
        "Group=nonce-watcher",
    ],
)
def test_it_says_what_the_program_relies_on(setting: str) -> None:
    assert setting in UNIT.read_text().splitlines()


def test_the_user_of_the_unit_is_made_by_sysusers() -> None:
    lines = UNIT.with_name("nonce-watcher.sysusers.conf").read_text().splitlines()
    assert any(line.startswith("u nonce-watcher ") for line in lines)
