"""The commands, as a new user meets them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

COMMANDS = ("demo", "init", "check", "run", "alerts", "tasks", "outbox", "notify", "status", "backup")
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("NONCE")}


def run(*words: str, folder: Path | None = None, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "watcher", *words],
        cwd=folder,
        env={**CLEAN, "PYTHONPATH": str(Path(__file__).resolve().parents[2]), **environ},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    done = run(command, "--help")
    assert done.returncode == 0
    assert "Usage" in done.stdout


def test_init_writes_what_check_accepts_and_never_overwrites(tmp_path: Path) -> None:
    assert run("init", "farm", folder=tmp_path).returncode == 0
    done = run("check", "--config", "farm/config.yaml", folder=tmp_path, NONCE_API_KEY="k")
    assert done.returncode == 0, done.stderr
    assert "24 rules" in done.stdout
    assert run("init", "farm", folder=tmp_path).returncode == 2


def test_check_tells_every_fault_with_its_place_and_the_way(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "a.yaml").write_text("rules:\n  - name: r\n    match: {statsu: failed}\n")
    (tmp_path / "config.yaml").write_text("nonce: {workspace: org_x}\npoll: {evry: 30s}\n")
    done = run("check", folder=tmp_path, NONCE_API_KEY="k")
    assert done.returncode == 2
    assert 'config.yaml:2:8: unknown key "evry" (did you mean "every"?)' in done.stderr
    (tmp_path / "config.yaml").write_text("nonce: {workspace: org_x}\n")
    done = run("check", folder=tmp_path, NONCE_API_KEY="k")
    assert 'rules/a.yaml:3:13: rule "r": unknown key "statsu" (did you mean "status"?)' in done.stderr


def test_without_a_key_it_says_where_to_put_one(tmp_path: Path) -> None:
    run("init", ".", folder=tmp_path)
    done = run("run", folder=tmp_path)
    assert done.returncode == 2
    assert "NONCE_API_KEY" in done.stderr


@pytest.mark.parametrize("command", ["alerts", "tasks", "outbox", "status"])
def test_a_listing_before_the_first_run_says_so(command: str, tmp_path: Path) -> None:
    run("init", ".", folder=tmp_path)
    done = run(command, folder=tmp_path)
    assert done.returncode == 2
    assert "there is no store yet" in done.stderr


def test_an_api_that_cannot_be_reached_ends_with_three(tmp_path: Path) -> None:
    run("init", ".", folder=tmp_path)
    config = tmp_path / "config.yaml"
    config.write_text(config.read_text().replace("nonce:\n", "nonce:\n  base_url: http://127.0.0.1:9\n"))
    done = run("check", "--online", folder=tmp_path, NONCE_API_KEY="k")
    assert done.returncode == 3
    assert "Traceback" not in done.stderr


def test_the_listings_speak_json(tmp_path: Path) -> None:
    from watcher.store.database import open_database

    run("init", ".", folder=tmp_path)
    open_database(tmp_path / "state.db").close()
    for command in ("alerts", "tasks", "outbox", "status"):
        done = run(command, "--json", folder=tmp_path)
        assert done.returncode == 0, done.stderr
        json.loads(done.stdout)


def test_the_demo_ends_by_itself(tmp_path: Path) -> None:
    done = run("demo", "--for", "6s", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Firmware updates failed" in done.stdout
    assert list(tmp_path.iterdir()) == []
