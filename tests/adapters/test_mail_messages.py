"""What creators read: the templates, filled, and the message as bytes."""

from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mentora_pipelines.adapters.eml_folder import EmlFolder
from mentora_pipelines.adapters.mail_renderer import MAX_LISTED, JinjaMailRenderer
from mentora_pipelines.adapters.mime import to_bytes
from mentora_pipelines.domain.operations.mail_delivery import Message
from mentora_pipelines.domain.operations.mail_variables import (
    HEALTH_SENTENCES,
    MAX_TITLE_CHARACTERS,
    QUIZ_SENTENCES,
    MailTemplate,
    quiz_sentence,
)
from mentora_pipelines.errors import (
    CREATOR_SENTENCES,
    ErrorCode,
    MailDeferred,
    PermanentError,
    SettingsError,
)
from tests.fix_mail import SENDER
from tests.mails import failure, health, sealed

FAILED = MailTemplate.VIDEO_PROCESSING_FAILED
ALERT = MailTemplate.VIDEO_HEALTH_ALERT
NO_QUIZ = MailTemplate.QUIZ_GENERATION_FAILED
APP = "https://app.tests.example"

HEADERS = {
    "to", "from", "subject", "date", "message-id", "auto-submitted", "mime-version",
    "content-type",
}  # fmt: skip


class Page(HTMLParser):
    """The words and the tags of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: list[str] = []
        self.links: list[str | None] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember it."""
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name == "href"]

    def handle_data(self, data: str) -> None:
        """Remember it."""
        self.words.append(data)

    @property
    def text(self) -> str:
        """All words."""
        return " ".join(" ".join(self.words).split())


def render(
    template: MailTemplate, *variables: dict[str, Any], app_url: str | None = None
) -> Message:
    """The message of one envelope."""
    return JinjaMailRenderer(app_url).render(sealed(template, *variables))


def parsed(message: Message) -> EmailMessage:
    """The message as a mail program reads it."""
    read = message_from_bytes(to_bytes(message, SENDER), policy=policy.default)
    assert isinstance(read, EmailMessage)
    return read


@pytest.mark.parametrize("code", list(ErrorCode))
@pytest.mark.parametrize("app_url", [None, APP])
def test_a_failure_says_which_lesson_what_happened_and_what_to_do(
    code: ErrorCode, app_url: str | None
) -> None:
    """Else the creator has to ask."""
    message = render(FAILED, failure(1, "Plants", code), app_url=app_url)
    page = Page(message.html)
    assert message.subject == "We could not process “Plants”"
    for text in (message.text, page.text):
        assert "Plants" in text
        assert CREATOR_SENTENCES[code] in text
        assert code.value in text
    address = f"{APP}/videos/00000000-0000-0000-0000-000000000001"
    assert page.links == ([] if app_url is None else [address])
    assert (address in message.text) == (app_url is not None)


@pytest.mark.parametrize("code", [*QUIZ_SENTENCES, ErrorCode.INTERNAL])
def test_a_failed_quiz_says_of_which_lesson_and_that_the_lesson_stands(
    code: ErrorCode,
) -> None:
    """Else the creator takes a published lesson for lost, or waits for the quiz."""
    sentence = quiz_sentence(code)
    one = render(NO_QUIZ, failure(1, "Plants", code), app_url=APP)
    two = render(NO_QUIZ, *(failure(n, f"Plants {n}", code) for n in range(2)))
    for message in (one, two):
        assert "could not" in message.subject
        for text in (message.text, Page(message.html).text):
            assert "Plants" in text
            assert text.count(sentence) == 1
            assert "as it is" in text or "as they are" in text
    assert f"{APP}/videos/" in one.text


@pytest.mark.parametrize("outcome", list(HEALTH_SENTENCES))
@pytest.mark.parametrize("app_url", [None, APP])
def test_a_health_alert_says_which_lesson_and_what_to_do(
    outcome: str, app_url: str | None
) -> None:
    """Else the creator learns from the students."""
    message = render(ALERT, health((1, "Plants", outcome)), app_url=app_url)
    page = Page(message.html)
    assert "Plants" in message.subject
    for text in (message.text, page.text):
        assert "Plants" in text
        told = "can be played again" if outcome == "ok" else HEALTH_SENTENCES[outcome]
        assert told in text
    assert len(page.links) == (app_url is not None)


def test_a_digest_lists_lessons_by_what_is_to_be_done() -> None:
    """Else twenty sentences say the same, or a lesson is left out."""
    count = MAX_LISTED + 10
    failures = [failure(n, f"Lesson {n}.", ErrorCode.NO_AUDIO) for n in range(count)]
    other = failure(count, "Alone", ErrorCode.TOO_LONG)
    message = render(FAILED, *failures, other, failures[0])
    page = Page(message.html)
    assert message.subject == f"{count + 1} of your lessons could not be processed"
    for text in (message.text, page.text):
        assert text.count(CREATOR_SENTENCES[ErrorCode.NO_AUDIO]) == 1
        assert text.count(CREATOR_SENTENCES[ErrorCode.TOO_LONG]) == 1
        assert "Alone" in text
        assert sum(f"Lesson {n}." in text for n in range(count)) == MAX_LISTED
        assert "and 10 more" in text


def test_two_health_alerts_are_one_with_the_last_word_on_each_lesson() -> None:
    """Else a creator mends what plays again."""
    first = health((1, "Plants", "gone"), (2, "Sugar", "expired"))
    message = render(ALERT, first, health((1, "Plants", "ok")))
    assert message.subject == "Your students cannot play “Sugar”"
    assert HEALTH_SENTENCES["gone"] not in message.text
    assert "can be played again" in message.text


def test_a_title_is_words_and_never_a_tag() -> None:
    """Else a creator's title runs in a mail program or hides the rest."""
    title = "<script>alert('1')</script> & <img src=x onerror=alert(2)>"
    for count in (1, 2):
        failures = [failure(n, title, ErrorCode.INTERNAL) for n in range(count)]
        message = render(FAILED, *failures, app_url=APP)
        page = Page(message.html)
        assert not {"script", "img"} & set(page.tags)
        assert title in page.text
        assert title in message.text


@given(
    st.text(max_size=300)
    | st.text(st.sampled_from("\r\n\x00\x0b\x0c\x1c\x85\u2028\u202e :=?Bcc<>é"))
)
def test_a_title_adds_no_header_and_no_recipient(title: str) -> None:
    """Else a title with a line end sends mail to strangers in our name."""
    message = render(FAILED, failure(1, title, ErrorCode.NO_AUDIO))
    assert len(message.subject.splitlines()) == 1
    assert len(message.subject) < MAX_TITLE_CHARACTERS + 40
    read = parsed(message)
    assert {name.lower() for name in read.keys()} == HEADERS  # noqa: SIM118
    assert read["To"] == "ada@tests.example"
    assert read["Message-ID"] == message.message_id
    assert not read.defects
    # White space is folded where an encoded word ends.
    assert "".join(read["Subject"].split()) == "".join(message.subject.split())


def test_a_message_reads_back_as_it_was_written() -> None:
    """Else letters of other scripts arrive broken, or the file opens nowhere."""
    title = "光合作用 für Anfänger — part 2 🌱" + " very" * 20
    message = render(FAILED, failure(1, title, ErrorCode.NO_AUDIO))
    raw = to_bytes(message, SENDER)
    assert raw.isascii()
    assert max(map(len, raw.split(b"\r\n"))) <= 78
    read = parsed(message)
    assert read.get_content_type() == "multipart/alternative"
    assert read["Subject"] == message.subject
    for kind, body in (("plain", message.text), ("html", message.html)):
        part = read.get_body((kind,))
        assert isinstance(part, EmailMessage)
        assert part.get_content_charset() == "utf-8"
        assert part.get_content().splitlines() == body.splitlines()


def test_variables_that_do_not_fit_are_refused_without_their_values() -> None:
    """Else a mail with `undefined` in it is sent, or a title is in the log."""
    with pytest.raises(PermanentError) as refused:
        render(FAILED, {"title": "My secret lesson"})
    assert "secret" not in str(refused.value)
    assert "videoId" in str(refused.value)


@pytest.fixture
def folder(tmp_path: Path) -> Callable[[], list[Path]]:
    """What lies in the mail folder."""
    return lambda: sorted((tmp_path / "mail").iterdir())


def test_without_a_server_mail_is_a_file_each(
    tmp_path: Path, folder: Callable[[], list[Path]]
) -> None:
    """Else nobody can see, before there is a server, what creators would get."""
    mailer = EmlFolder(tmp_path / "mail", SENDER)
    message = render(FAILED, failure(1, "Plants", ErrorCode.NO_AUDIO))
    for _ in range(2):
        mailer.send(message)
    (file,) = folder()
    assert file.suffix == ".eml"
    assert file.stat().st_mode & 0o077 == 0
    read = message_from_bytes(file.read_bytes(), policy=policy.default)
    assert read["Subject"] == message.subject
    assert str(tmp_path) in mailer.check()
    assert folder() == [file]
    mailer.close()


def test_a_folder_that_cannot_be_written_to_is_away(tmp_path: Path) -> None:
    """Else a full disk loses mail, or fails a probe with a traceback."""
    (tmp_path / "mail").write_text("in the way")
    mailer = EmlFolder(tmp_path / "mail", SENDER)
    with pytest.raises(MailDeferred) as deferred:
        mailer.send(render(FAILED, failure(1, "Plants", ErrorCode.NO_AUDIO)))
    assert deferred.value.is_away
    with pytest.raises(SettingsError, match="cannot be written"):
        mailer.check()
