from pathlib import Path

import pytest

from tests.standins.certificates import authority_file


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients believe the stand-ins' authority and no other, whatever this machine is set to."""
    monkeypatch.setenv("SSL_CERT_FILE", authority_file(tmp_path))
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
