"""The unit file, as systemd itself judges it."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from watcher.config import for_reading

FOLDER = Path(__file__).resolve().parents[2] / "systemd"
UNIT = FOLDER / "nonce-watcher.service"
README = (FOLDER / "README.md").read_text()
_OFFLINE_SINCE = 250


def _version_of_systemd() -> int:
    if shutil.which("systemd-analyze") is None:
        return 0
    said = subprocess.run(["systemd-analyze", "--version"], capture_output=True, text=True, check=True).stdout
    found = re.match(r"systemd (\d+)", said)
    return int(found[1]) if found else 0


needs_systemd = pytest.mark.skipif(
    _version_of_systemd() < _OFFLINE_SINCE,
    reason=f"systemd-analyze of systemd {_OFFLINE_SINCE} or later is not installed here, and only it can judge a unit",
)


def verified(unit: Path) -> str:
    """What systemd has to say of a unit. It exits with 0 even for a misspelt setting: only silence counts."""
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


@needs_systemd
def test_systemd_finds_nothing_to_say_about_it() -> None:
    assert verified(UNIT) == ""


@needs_systemd
@pytest.mark.parametrize(
    ("right", "wrong"), [("WatchdogSec=", "WatchdogSecs="), ("Type=notify\n", "Type=notify-sometimes\n")]
)
def test_systemd_would_have_something_to_say_about_a_mistake(right: str, wrong: str, tmp_path: Path) -> None:
    text = UNIT.read_text()
    assert right in text
    copy = tmp_path / UNIT.name
    copy.write_text(text.replace(right, wrong))
    assert verified(copy) != ""


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
        "ExecReload=/bin/kill -HUP $MAINPID",
        "WatchdogSec=180",
        "Restart=on-failure",
        "RestartPreventExitStatus=2",
        "TimeoutStopSec=15",
        "After=network-online.target",
        "Wants=network-online.target",
        "User=nonce-watcher",
        "Group=nonce-watcher",
        "UMask=0027",
        "StateDirectory=nonce-watcher",
        "StateDirectoryMode=0750",
        "ConfigurationDirectory=nonce-watcher",
        "LoadCredential=nonce-api-key:/etc/nonce-watcher/nonce-api-key",
        "EnvironmentFile=-/etc/nonce-watcher/environment",
        "MemoryMax=512M",
        "LimitCORE=0",
        "NoNewPrivileges=yes",
        "CapabilityBoundingSet=",
        "ProtectSystem=strict",
        "MemoryDenyWriteExecute=yes",
        "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6",
        "WantedBy=multi-user.target",
    ],
)
def test_it_says_what_the_program_relies_on(setting: str) -> None:
    assert setting in UNIT.read_text().splitlines()


def test_outside_addresses_are_allowed() -> None:
    assert not re.search(r"^(PrivateNetwork|IPAddressDeny|IPAddressAllow)=", UNIT.read_text(), re.MULTILINE)


def test_the_user_of_the_unit_is_made_by_sysusers() -> None:
    lines = UNIT.with_name("nonce-watcher.sysusers.conf").read_text().splitlines()
    assert any(line.startswith("u nonce-watcher ") for line in lines)


def test_the_readme_installs_files_that_are_there() -> None:
    named = set(re.findall(r"systemd/([\w.-]+\.(?:service|conf))", re.sub(r"/etc/systemd/system/\S+", "", README)))
    assert named == {path.name for path in FOLDER.iterdir() if path.suffix in {".service", ".conf"}}


def test_the_configuration_of_the_readme_keeps_the_store_where_the_service_may_write(tmp_path: Path) -> None:
    example = re.search(r"```yaml\n(.*?)```", README, re.DOTALL)
    assert example is not None
    config = tmp_path / "config.yaml"
    config.write_text(example[1])
    assert for_reading(config, {}).store == Path("/var/lib/nonce-watcher/state.db")
