"""The mail server proves itself: which letters it refuses and why, what a reader sees of the rest, and how it fails
where it was told to."""

import smtplib
import ssl
import timeit
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from email import policy
from email.message import EmailMessage
from pathlib import Path
from time import process_time

import pytest

from tests.standins import letter, mail
from tests.standins.certificates import Certificate, authority_file
from tests.standins.letter_html import BadHtml, seen_html
from tests.standins.mail import Tls
from tests.standins.verdict import STRICT, Allowed, Live, Refused

TO = ("ops@farm.example",)


def written(text: str = "300 of 900 tasks", html: str | None = None, subject: str = "Critical: M-1") -> EmailMessage:
    message = EmailMessage(policy=policy.SMTP)
    message["From"] = mail.SENDER
    message["To"] = ", ".join(TO)
    message["Subject"] = subject
    message["Date"] = "Mon, 23 Nov 2026 22:06:00 +0000"
    message["Message-ID"] = "<9c21f0@farm.example>"
    message.set_content(text)
    if html is not None:
        message.add_alternative(html, subtype="html")
    return message


def changed(old: str, new: str, message: EmailMessage | None = None) -> bytes:
    content = (message or written()).as_bytes()
    assert old.encode() in content
    return content.replace(old.encode(), new.encode("utf-8", "surrogateescape"), 1)


def with_file(content: bytes = b"id\r\nM-1\r\n", name: str = "miners.csv", subtype: str = "csv") -> bytes:
    message = written()
    message.add_attachment(content, maintype="text", subtype=subtype, filename=name)
    return message.as_bytes()


def in_html(html: str) -> bytes:
    return written(html=html).as_bytes()


ALTERNATIVE = written(html="<p>300</p>")

BAD: list[tuple[str, bytes, str]] = [
    ("a bare LF", changed("\r\n", "\n"), "a bare LF at byte"),
    ("a bare CR", changed("300", "30\r0"), "a bare CR at byte"),
    ("a NUL", changed("300", "3\x000"), "a NUL"),
    ("a line without end", changed("300", "x" * 999), "a line of 1012 bytes"),
    ("no body", b"From: a@b.example\r\n", "there is no body"),
    ("a header that is not ASCII", changed("Critical", "Kritisch ü"), "a header that is not ASCII"),
    ("8-bit text undeclared", changed("300", "ü"), "8-bit text that is not declared"),
    ("an injected Bcc", changed("Subject:", "Bcc: x@evil.example\r\nSubject:"), "nobody asked for: bcc"),
    ("an injected Cc", changed("Subject:", "Cc: x@evil.example\r\nSubject:"), "nobody asked for: cc"),
    ("a header of its own", changed("Subject:", "X-Evil: 1\r\nSubject:"), "nobody asked for: x-evil"),
    ("two subjects", changed("Subject:", "Subject: a\r\nSubject:"), "2 headers named Subject"),
    ("no subject", changed("Subject: Critical: M-1\r\n", ""), "0 headers named Subject"),
    ("two senders' headers", changed("Subject:", "From: a@b.example\r\nSubject:"), "2 headers named From"),
    ("two senders", changed(mail.SENDER, f"{mail.SENDER}, a@b.example"), "2 senders"),
    ("no sender", changed(f"From: {mail.SENDER}\r\n", ""), "0 headers named From"),
    ("no recipient", changed("To: ops@farm.example\r\n", ""), "0 headers named To"),
    ("a recipient that is none", changed("To: ops@farm.example", "To: ops"), "To"),
    ("another recipient", changed("To: ops@farm.example", "To: bob@farm.example"), "but the envelope says"),
    ("one recipient more", changed("To: ops@farm.example", "To: ops@farm.example, x@evil.example"), "envelope"),
    ("no date", changed("Date: Mon, 23 Nov 2026 22:06:00 +0000\r\n", ""), "0 headers named Date"),
    ("a date that is none", changed("Mon, 23 Nov 2026 22:06:00 +0000", "today"), "Date"),
    ("no message id", changed("Message-ID: <9c21f0@farm.example>\r\n", ""), "0 headers named Message-ID"),
    ("a message id that is none", changed("<9c21f0@farm.example>", "9c21f0"), "Message-ID"),
    ("no MIME version", changed("MIME-Version: 1.0\r\n", ""), "0 headers named MIME-Version"),
    ("an empty subject", changed("Critical: M-1", ""), "Subject"),
    ("a subject that does not decode", changed("Critical: M-1", "=?utf-8?b?w?w?="), "Subject"),
    ("a line break in the subject", changed("Critical: M-1", "=?utf-8?q?a=0D=0ABcc=3A_x?="), "Subject"),
    ("a bell in the subject", changed("Critical: M-1", "=?utf-8?q?a=07?="), "Subject has a control character"),
    ("no text", written("\n").as_bytes(), "the text is empty"),
    ("a terminal's escape in the text", written("\x1b[31mred").as_bytes(), "control character"),
    ("an unknown alphabet", changed('charset="utf-8"', 'charset="klingon"'), "a text that is not klingon"),
    ("bytes of another alphabet", changed('charset="utf-8"', 'charset="ascii"', written("ä")), "not ascii"),
    ("a transfer encoding that is none", changed("7bit", "base64"), "MIME"),
    ("a part without an end", ALTERNATIVE.as_bytes()[:-20], "MIME"),
    ("parts without a boundary", changed("boundary=", "border=", ALTERNATIVE), "MIME"),
    ("HTML alone", changed("text/plain", "text/html"), "the texts are text/html"),
    ("HTML beside the text", changed("multipart/alternative", "multipart/mixed", ALTERNATIVE), "the texts are"),
    ("HTML before the text", changed("text/html", "text/plain", ALTERNATIVE), "the texts are text/plain, text/plain"),
    ("parts of a strange kind", changed("multipart/alternative", "multipart/related", ALTERNATIVE), "related"),
    ("a bare link in the text", written("see http://evil.example/x.").as_bytes(), "live link 'http://evil.example/x'"),
    ("a bare host with www", written("see www.evil.com").as_bytes(), "live link 'www.evil.com'"),
    ("a link in the subject", written(subject="http://evil.example").as_bytes(), "live link"),
    ("a foreign link", in_html('<a href="https://evil.example">bank</a>'), "live link 'https://evil.example'"),
    ("a script for a link", in_html('<a href="javascript:alert(1)">x</a>'), "a link to 'javascript:"),
    ("a script", in_html("<script>alert(1)</script>"), "<script> has no place"),
    ("a form", in_html("<form action='https://evil.example'></form>"), "<form> has no place"),
    ("a field", in_html("<input name='password'>"), "<input> has no place"),
    ("a frame", in_html("<iframe src='https://evil.example'></iframe>"), "<iframe> has no place"),
    ("a drawing", in_html("<svg onload='alert(1)'></svg>"), "<svg> has no place"),
    ("a base", in_html("<base href='https://evil.example'>"), "<base> has no place"),
    ("a style sheet", in_html("<link rel='stylesheet' href='https://evil.example/x.css'>"), "<link> has no place"),
    ("an event handler", in_html("<p onclick='x()'>a</p>"), "event handler, onclick"),
    ("a remote image", in_html("<img src='https://evil.example/x.png'>"), "a remote image"),
    ("an image with two sources", in_html("<img src='cid:a' srcset='https://evil.example/x.png'>"), "srcset"),
    ("a remote background", in_html("<td background='https://evil.example/x.png'>a</td>"), "background"),
    ("a style that loads", in_html("<p style='background: url(https://evil.example)'>a</p>"), "loads something"),
    ("a sheet that loads", in_html("<style>@import 'https://evil.example';</style>"), "loads something"),
    ("a page that leads away", in_html("<meta http-equiv='refresh' content='0;url=https://evil.example'>"), "leads"),
    ("a comment", in_html("<!--[if mso]>a<![endif]-->"), "a comment"),
    ("a tag of the API's making", in_html("<unknown>a</unknown>"), "<unknown> has no place"),
    ("a tag that nobody closes", in_html("<b>a"), "<b> is never closed"),
    ("tags that cross", in_html("<b><i>a</b></i>"), "</b> ends i"),
    ("an end without a start", in_html("a</b>"), "</b> ends nothing"),
    ("a raw ampersand", in_html("R&D"), "an unescaped &"),
    ("a raw bracket", in_html("1 < 2"), "an unescaped <"),
    ("a file that is no table", with_file(name="miners.exe"), "a file named 'miners.exe'"),
    ("a file in another folder", with_file(name="../../miners.csv"), "a file named"),
    ("a file of another type", with_file(subtype="html"), "miners.csv is of the type text/html"),
    ("an empty file", with_file(b""), "miners.csv is empty"),
]


@pytest.mark.parametrize(("content", "reason"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_it_refuses_what_a_strict_server_and_a_careful_reader_would(content: bytes, reason: str) -> None:
    with pytest.raises(Refused) as caught:
        letter.judged(content, TO, STRICT)
    assert reason in caught.value.reason
    assert caught.value.answer.startswith("554 ")
    assert caught.value.answer.isascii()


def test_a_reader_sees_subject_and_text_as_they_were_meant() -> None:
    seen = letter.judged(written("矿机 300 of 900\n<b>&amp;</b>", subject="Kritisch: Süd ✓").as_bytes(), TO, STRICT)
    assert seen.text == "Kritisch: Süd ✓\n矿机 300 of 900\n<b>&amp;</b>"
    assert seen.live == ()


def test_a_subject_that_was_written_as_if_it_were_encoded_is_seen_as_a_mail_program_shows_it() -> None:
    content = changed("Critical: M-1", "Critical: =?utf-8?q?evil?=")
    assert letter.judged(content, TO, STRICT).text.startswith("Critical: evil\n")


def test_the_text_of_the_html_is_seen_beside_the_plain_one() -> None:
    html = (
        "<!DOCTYPE html><html><head><meta charset='utf-8'><title>t</title><style>p {color: red}</style></head><body>"
        "<h1>Critical</h1><p>300 &lt; 900<br>R&amp;D</p><table><tr><td>M-1</td><td>10.0.3.1</td></tr></table>"
        "<a href='https://farm.example/wiki'>wiki</a></body></html>"
    )
    own = Allowed(links=lambda url: url.startswith("https://farm.example/"))
    seen = letter.judged(written(html=html).as_bytes(), TO, own)
    assert seen.files[""].decode() == "Critical\n300 < 900\nR&D\nM-1 10.0.3.1\nwiki"
    assert seen.live == (Live("link", "https://farm.example/wiki"),)


def test_a_table_may_be_attached() -> None:
    seen = letter.judged(with_file(b"id\r\nM-1\r\n"), TO, STRICT)
    assert seen.files == {"miners.csv": b"id\r\nM-1\r\n"}


def test_html_is_judged_alone_too() -> None:
    assert seen_html("<p>a</p>").text == "a"
    with pytest.raises(BadHtml):
        seen_html("<p>a")


@pytest.fixture
def authority(tmp_path: Path) -> str:
    return authority_file(tmp_path)


@contextmanager
def client(stand: mail.Stand, authority: str, tls: Tls = Tls.STARTTLS) -> Iterator[smtplib.SMTP]:
    context = ssl.create_default_context(cafile=authority)
    connection = (
        smtplib.SMTP_SSL("localhost", stand.port, timeout=5, context=context)
        if tls is Tls.IMPLICIT
        else smtplib.SMTP("localhost", stand.port, timeout=5)
    )
    try:
        if tls is Tls.STARTTLS:
            connection.starttls(context=context)
        connection.login(mail.USER, mail.PASSWORD)
        yield connection
    finally:
        with suppress(smtplib.SMTPException):
            connection.quit()
        connection.close()


@pytest.mark.parametrize("tls", list(Tls))
def test_a_letter_arrives_over_every_kind_of_connection(tls: Tls, authority: str) -> None:
    with mail.Stand(tls=tls) as stand, client(stand, authority, tls) as connection:
        assert connection.send_message(written()) == {}
    (received,) = stand.received
    assert (received.to, received.seen) == ("ops@farm.example", "Critical: M-1\n300 of 900 tasks")


def test_a_bad_letter_is_refused_with_its_reason(authority: str) -> None:
    with mail.Stand() as stand, client(stand, authority) as connection:
        with pytest.raises(smtplib.SMTPDataError, match=r"554.*live link"):
            connection.send_message(written("http://evil.example"))
        connection.send_message(written())
    assert [refusal.reason for refusal in stand.refused] == ["live link 'http://evil.example'"]
    assert len(stand.received) == 1


def ordered(change: Callable[[mail.Orders], None], authority: str, *, to: tuple[str, ...] = TO) -> str:
    """What a client hears of a server with these orders."""
    message = written()
    message.replace_header("To", ", ".join(to))
    with mail.Stand() as stand:
        change(stand.orders)
        with client(stand, authority) as connection:
            try:
                refused = connection.send_message(message)
            except smtplib.SMTPRecipientsRefused as error:
                refused = error.recipients
            except smtplib.SMTPResponseException as error:
                return f"{error.smtp_code} to the letter"
            except smtplib.SMTPServerDisconnected:
                return f"broke off with {len(stand.received)} received"
    return ", ".join(f"{code} for {address}" for address, (code, _) in refused.items())


@pytest.mark.parametrize(
    ("change", "heard"),
    [
        (lambda orders: orders.rcpt.update({TO[0]: "550 5.1.1 no such user"}), "550 for ops@farm.example"),
        (lambda orders: orders.rcpt.update({TO[0]: "452 4.2.2 mailbox full"}), "452 for ops@farm.example"),
        (lambda orders: setattr(orders, "greylist", 1), "451 for ops@farm.example"),
        (lambda orders: setattr(orders, "data", "554 5.7.1 spam"), "554 to the letter"),
        (lambda orders: setattr(orders, "data", "452 4.3.1 disk full"), "452 to the letter"),
        (lambda orders: setattr(orders, "dies", True), "broke off with 1 received"),
        (lambda _: None, ""),
    ],
)
def test_it_fails_where_it_was_told_to(change: Callable[[mail.Orders], None], heard: str, authority: str) -> None:
    assert ordered(change, authority) == heard


def test_one_of_three_recipients_can_be_refused(authority: str) -> None:
    three = ("ops@farm.example", "gone@farm.example", "bob@farm.example")
    message = written()
    message.replace_header("To", ", ".join(three))
    with mail.Stand() as stand:
        stand.orders.rcpt["gone@farm.example"] = "550 5.1.1 no such user"
        with client(stand, authority) as connection, pytest.raises(smtplib.SMTPDataError, match="envelope"):
            connection.send_message(message)  # a letter to all of them names one that it does not reach
        for address in three:
            message.replace_header("To", address)
            with client(stand, authority) as connection, suppress(smtplib.SMTPRecipientsRefused):
                connection.send_message(message)
    assert [received.to for received in stand.received] == ["ops@farm.example", "bob@farm.example"]


def test_greylisting_ends(authority: str) -> None:
    with mail.Stand() as stand:
        stand.orders.greylist = 1
        with client(stand, authority) as connection:
            with pytest.raises(smtplib.SMTPRecipientsRefused):
                connection.send_message(written())
            connection.send_message(written())
    assert len(stand.received) == 1


def test_too_large_a_letter_is_told_so(authority: str) -> None:
    with (
        mail.Stand(largest=1000) as stand,
        client(stand, authority) as connection,
        pytest.raises(smtplib.SMTPSenderRefused, match="552"),
    ):
        connection.send_message(written("x\n" * 1000))
    assert stand.received == []


@pytest.mark.parametrize("certificate", [one for one in Certificate if one is not Certificate.TRUSTED])
def test_a_bad_certificate_ends_it_before_the_password(certificate: Certificate, authority: str) -> None:
    with (
        mail.Stand(certificate=certificate) as stand,
        pytest.raises(ssl.SSLCertVerificationError),
        client(stand, authority),
    ):
        pass
    assert stand.received == []


def test_no_tls_is_offered_where_there_is_none(authority: str) -> None:
    with mail.Stand(tls=Tls.NONE) as stand, pytest.raises(smtplib.SMTPNotSupportedError), client(stand, authority):
        pass


def test_nothing_is_taken_in_the_clear_or_without_a_password(authority: str) -> None:
    with mail.Stand() as stand:
        with smtplib.SMTP("localhost", stand.port, timeout=5) as connection, pytest.raises(smtplib.SMTPException):
            connection.send_message(written())
        with smtplib.SMTP("localhost", stand.port, timeout=5) as connection:
            connection.starttls(context=ssl.create_default_context(cafile=authority))
            with pytest.raises(smtplib.SMTPAuthenticationError, match="535"):
                connection.login(mail.USER, "wrong")
    assert stand.received == []


def test_a_letter_is_judged_in_well_under_five_milliseconds() -> None:
    lines = "\n".join(f"• M-{number:04} (S21 Pro, 10.0.3.{number}) <!channel> a_b" for number in range(40))
    html = "".join(f"<p><b>M-{number:04}</b> &lt;!channel&gt;</p>" for number in range(40))
    content = written(lines, html).as_bytes()
    rounds = timeit.repeat(lambda: letter.judged(content, TO, STRICT), number=10, repeat=10, timer=process_time)
    assert min(rounds) / 10 < 0.005
