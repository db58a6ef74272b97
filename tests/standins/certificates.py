"""TLS as servers offer it, right and wrong. The authority is made anew for each run and trusted by nobody else."""

import ssl
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from pathlib import Path

import trustme

_HOSTS = ("localhost", "127.0.0.1")


class Certificate(StrEnum):
    TRUSTED = "by the authority that the client was told of"
    STRANGER = "by an authority nobody knows"
    SELF_SIGNED = "by itself"
    WRONG_HOST = "for another host"
    EXPIRED = "for a time that is over"


@cache
def _authority() -> trustme.CA:
    return trustme.CA()


def authority_file(folder: Path) -> str:
    """A file with the authority in it, for `SSL_CERT_FILE`."""
    path = folder / "authority.pem"
    _authority().cert_pem.write_to_path(str(path))
    return str(path)


@cache
def server_side(certificate: Certificate = Certificate.TRUSTED) -> ssl.SSLContext:
    """What a server with this certificate wraps its sockets in."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    match certificate:
        case Certificate.TRUSTED:
            _authority().issue_cert(*_HOSTS).configure_cert(context)
        case Certificate.STRANGER:
            trustme.CA().issue_cert(*_HOSTS).configure_cert(context)
        case Certificate.WRONG_HOST:
            _authority().issue_cert("hotel-wifi.example").configure_cert(context)
        case Certificate.EXPIRED:
            begin, end = datetime(2019, 1, 1, tzinfo=UTC), datetime(2020, 1, 1, tzinfo=UTC)
            _authority().issue_cert(*_HOSTS, not_before=begin, not_after=end).configure_cert(context)
        case Certificate.SELF_SIGNED:
            alone = trustme.CA()
            with alone.private_key_pem.tempfile() as key, alone.cert_pem.tempfile() as chain:
                context.load_cert_chain(chain, key)
    return context
