"""The mail server proves itself: which letters it refuses and why, what a reader sees of the rest, and how it fails
where it was told to."""

import smtplib
import ssl
import timeit
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import process_time

import pytest

from tests.standins import letter, mail
from tests.standins.bad_letters import BAD, TO, changed, with_file, written
from tests.standins.certificates import Certificate, authority_file
from tests.standins.letter_html import BadHtml, seen_html
from tests.standins.mail import Tls
from tests.standins.verdict import STRICT, Allowed, Live, Refused


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
