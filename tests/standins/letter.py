"""A letter as bytes, judged as a strict mail server and a careful reader would: headers, parts, text, HTML, files."""

import re
from email import policy
from email.headerregistry import AddressHeader, HeaderRegistry
from email.message import EmailMessage
from email.parser import BytesParser
from email.utils import parsedate_to_datetime
from functools import lru_cache

from tests.standins.letter_html import BadHtml, seen_html
from tests.standins.verdict import Allowed, Live, Refused, Seen

ONCE = ("From", "To", "Subject", "Date", "Message-ID", "MIME-Version")
KNOWN = frozenset(name.lower() for name in (
    *ONCE, "Content-Type", "Content-Transfer-Encoding", "Content-Disposition", "Content-ID", "Content-Language",
    "Reply-To", "Auto-Submitted", "X-Auto-Response-Suppress", "Importance", "Priority", "X-Priority", "References",
    "In-Reply-To", "List-Id", "X-Application", "X-Mailer", "User-Agent",
))  # fmt: skip
"""Every other header was smuggled in."""
_LONGEST_LINE = 998
_BARE_BREAK = re.compile(rb"\r(?!\n)|(?<!\r)\n")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_MESSAGE_ID = re.compile(r"<[^<>@\s]+@[^<>@\s]+>")
_ENCODED_WORD = re.compile(r"=\?[\w-]+\?(?:[bB]\?[\w+/]+={0,2}|[qQ]\?[^?\s]*)\?=")
_FILE_NAME = re.compile(r"[^/\\:\x00-\x1f\x7f]{1,100}\.csv")
_AUTO_LINK = re.compile(r"(?:https?://|\bwww\.)[^\s<>\"]+", re.IGNORECASE)
_PARSER = BytesParser(policy=policy.default.clone(header_factory=lru_cache(4096)(HeaderRegistry())))
"""The library reads a header anew each time it is asked for; that would be two thirds of the time."""


def judged(content: bytes, recipients: tuple[str, ...] | None = None, allowed: Allowed | None = None) -> Seen:
    """What a reader would see of a letter: its subject, then its plain text. `files` holds what is attached, and under
    the empty name the text of the HTML part.

    Args:
        content: as it came over the wire, without the dots that SMTP adds.
        recipients: of the envelope; the letter names all of them and nobody else.
        allowed: what may be live.

    Raises:
        Refused: `554`, for what a strict server or a careful reader would not take.
    """
    _check_lines(content)
    letter = _PARSER.parsebytes(content)
    assert isinstance(letter, EmailMessage)
    subject = _headers(letter, recipients)
    plain, html, files = _parts(letter)
    text = _decoded(plain)
    if not text.strip():
        raise _bad("the text is empty")
    live = [Live("link", found[0].rstrip(".,;:!?)'")) for found in _AUTO_LINK.finditer(f"{subject}\n{text}")]
    if html is not None:
        try:
            in_html = seen_html(_decoded(html))
        except BadHtml as error:
            raise _bad(f"HTML: {error}") from None
        files[""] = in_html.text.encode()
        live += in_html.live
    offence = allowed.offence(live) if allowed is not None else None
    if offence:
        raise _bad(offence)
    return Seen(f"{subject}\n{text.strip()}", tuple(live), files)


def _bad(reason: str) -> Refused:
    return Refused(f"554 {reason.encode('ascii', 'replace').decode()[:200]}", reason, 0)


def _check_lines(content: bytes) -> None:
    broken = _BARE_BREAK.search(content)
    if broken:
        sign = "LF" if broken[0] == b"\n" else "CR"
        raise _bad(f"a bare {sign} at byte {broken.start()}")
    if b"\0" in content:
        raise _bad("a NUL")
    longest = max(map(len, content.split(b"\r\n")))
    if longest > _LONGEST_LINE:
        raise _bad(f"a line of {longest} bytes")
    head, empty_line, body = content.partition(b"\r\n\r\n")
    if not empty_line:
        raise _bad("there is no body")
    if not head.isascii():
        raise _bad("a header that is not ASCII")
    if not body.isascii() and b"8bit" not in content:
        raise _bad("8-bit text that is not declared")


def _headers(letter: EmailMessage, recipients: tuple[str, ...] | None) -> str:
    """The subject, where all headers are right."""
    names = [name.lower() for name in letter]
    strange = sorted(set(names) - KNOWN)
    if strange:
        raise _bad(f"a header that nobody asked for: {', '.join(strange)}")
    for name in ONCE:
        if names.count(name.lower()) != 1:
            raise _bad(f"{names.count(name.lower())} headers named {name}")
    for name, value in letter.items():
        if getattr(value, "defects", ()):
            raise _bad(f"{name}: {value.defects[0]}")
        if _CONTROL.search(str(value)):
            raise _bad(f"{name} has a control character")
    senders, receivers = _addresses(letter, "From"), _addresses(letter, "To")
    if len(senders) != 1:
        raise _bad(f"{len(senders)} senders")
    if recipients is not None and sorted(receivers) != sorted(recipients):
        raise _bad(f"to {receivers}, but the envelope says {list(recipients)}")
    if not _MESSAGE_ID.fullmatch(str(letter["Message-ID"]).strip()):
        raise _bad(f"the Message-ID {str(letter['Message-ID'])[:60]!r}")
    try:
        parsedate_to_datetime(str(letter["Date"]))
    except (TypeError, ValueError):
        raise _bad(f"the Date {str(letter['Date'])[:60]!r}") from None
    subject = str(letter["Subject"])
    raw = next(value for name, value in letter.raw_items() if name.lower() == "subject")
    if not subject.strip() or "=?" in _ENCODED_WORD.sub("", raw):
        raise _bad(f"the Subject {raw[:60]!r}")
    return subject.strip()


def _addresses(letter: EmailMessage, name: str) -> list[str]:
    header = letter[name]
    assert isinstance(header, AddressHeader)
    addresses = [address.addr_spec for address in header.addresses]
    if not addresses or not all(re.fullmatch(r"[^@\s]+@[^@\s]+", address) for address in addresses):
        raise _bad(f"{name} has no address")
    return addresses


def _parts(letter: EmailMessage) -> tuple[EmailMessage, EmailMessage | None, dict[str, bytes]]:
    """The plain text, the HTML, and what is attached."""
    texts: list[EmailMessage] = []
    files: dict[str, bytes] = {}
    for part in letter.walk():
        assert isinstance(part, EmailMessage)
        if part.defects:
            raise _bad(f"MIME: {part.defects[0]!r}")
        if part.is_multipart():
            if part.get_content_type() not in {"multipart/mixed", "multipart/alternative"}:
                raise _bad(f"a part of the type {part.get_content_type()}")
        elif part.get_content_disposition() == "attachment":
            name, content = _attached(part)
            if name in files:
                raise _bad(f"two files named {name}")
            files[name] = content
        else:
            texts.append(part)
    match [part.get_content_type() for part in texts]:
        case ["text/plain"]:
            return texts[0], None, files
        case ["text/plain", "text/html"] if "multipart/alternative" in _kinds(letter):
            return texts[0], texts[1], files
        case kinds:
            raise _bad(f"the texts are {', '.join(kinds) or 'none'}")


def _kinds(letter: EmailMessage) -> set[str]:
    return {part.get_content_type() for part in letter.walk()}


def _attached(part: EmailMessage) -> tuple[str, bytes]:
    name = part.get_filename() or ""
    if not _FILE_NAME.fullmatch(name) or name.startswith("."):
        raise _bad(f"a file named {name[:60]!r}")
    if part.get_content_type() != "text/csv":
        raise _bad(f"{name} is of the type {part.get_content_type()}")
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    if part.defects:
        raise _bad(f"{name}: {part.defects[0]!r}")
    if not content:
        raise _bad(f"{name} is empty")
    return name, content


def _decoded(part: EmailMessage) -> str:
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    if part.defects:
        raise _bad(f"MIME: {part.defects[0]!r}")
    try:
        text = content.decode(part.get_content_charset("us-ascii"))
    except (LookupError, UnicodeDecodeError) as error:
        raise _bad(f"a text that is not {part.get_content_charset('us-ascii')}: {error}") from None
    text = text.replace("\r\n", "\n")
    control = re.search(r"[\x00-\x08\x0b-\x1f\x7f]", text)
    if control:
        raise _bad(f"a text with the control character {control[0]!r}")
    return text
