import subprocess
import sys

import pytest

from watcher.notify.targets import keys, masked_place, refused_host, secrets, single_targets


def test_keys_count_by_schema() -> None:
    assert list(keys(["slack", "mailto", "slack"])) == ["slack-1", "mailto-1", "slack-2"]


@pytest.mark.parametrize(
    ("named", "single"),
    [
        ([], [None]),
        (["a"], ["a"]),
        (["a", "b"], ["a", "b"]),
        (["a@x.org,b@x.org; c@x.org"], ["a@x.org", "b@x.org", "c@x.org"]),
        (["Bob Smith <b@x.org>"], ["Bob Smith <b@x.org>"]),
        ("a,b", ["a", "b"]),
    ],
)
def test_a_url_is_split_into_single_places(named: object, single: list[str | None]) -> None:
    found = single_targets({"schema": "mailto", "targets": named})
    assert [parts["targets"][0] if parts["targets"] else None for parts in found] == single


@pytest.mark.parametrize(
    ("host", "refused"),
    [
        ("169.254.169.254", True),
        ("[fe80::1]", True),
        ("::ffff:169.254.169.254", True),
        ("METADATA.google.internal.", True),
        ("127.0.0.1", False),
        ("10.0.0.1", False),
        ("hooks.slack.com", False),
        (None, False),
    ],
)
def test_where_clouds_keep_secrets_is_refused(host: str | None, refused: bool) -> None:
    assert refused_host(host) is refused


def test_a_masked_place_is_scheme_and_host() -> None:
    assert masked_place("json://u:****@host.example:8080/hook/secret?x=secret") == "json://host.example:8080/…"


def test_secrets_are_found_wherever_they_hide() -> None:
    parts = {"a": {"deep": ["canary-1"]}, "path": "/x/canary-2/", "short": "abc", "n": 5}
    assert {"canary-1", "canary-2"} <= set(secrets(parts))
    assert "abc" not in secrets(parts)


def test_only_who_uses_apprise_pays_for_it() -> None:
    probe = "import sys, watcher.notify.deliver; sys.exit('apprise' in sys.modules or 'requests' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", probe], check=False).returncode == 0
