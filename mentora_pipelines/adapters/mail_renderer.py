"""Templates of mail, filled by jinja2: subject, text and HTML.

Here belong the choice of a template and what it is given. Not here: what the words are
(`mail_templates/`), or which variables a template has (`mail_variables`).
"""

import re
from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path
from uuid import UUID

from jinja2 import (
    Environment,
    FileSystemLoader,
    StrictUndefined,
    TemplateError,
    select_autoescape,
)

from mentora_pipelines.domain.operations.mail_delivery import Message
from mentora_pipelines.domain.operations.mail_envelopes import Envelope
from mentora_pipelines.domain.operations.mail_variables import (
    LessonHealth,
    PartHealth,
    PlatformHealth,
    VideoHealthAlert,
    VideoProcessingFailed,
    parse_variables,
)
from mentora_pipelines.domain.videos import lesson_page
from mentora_pipelines.errors import PermanentError

FOLDER = Path(__file__).with_name("mail_templates")

MAX_LISTED = 50
"""Lessons named in one mail; the rest are counted."""

Lesson = VideoProcessingFailed | LessonHealth


class JinjaMailRenderer:
    """Satisfies `MailRenderer`; `app_url` is where links lead, None: no links."""

    def __init__(self, app_url: str | None) -> None:
        self._app_url = app_url

    def render(self, envelope: Envelope) -> Message:
        """The message; raises `PermanentError` when the variables do not fit."""
        app_url = self._app_url
        context = {
            "lessons": _lessons_of(envelope),
            "parts": _parts_of(envelope),
            "max_listed": MAX_LISTED,
            "link": app_url and partial(lesson_page, app_url),
            "app_url": app_url,
        }
        try:
            plain = _environment().get_template(f"{envelope.template}.txt.j2")
            rich = _environment().get_template(f"{envelope.template}.html.j2")
            # A text template begins with its subject and an empty line.
            subject, _, text = plain.render(context).partition("\n\n")
            html = rich.render(context, subject=subject)
        except TemplateError as error:
            fault = type(error).__name__
        else:
            return Message(
                envelope.message_id,
                envelope.recipient,
                envelope.written_at,
                subject,
                # What a condition left out leaves its empty lines.
                re.sub(r"\n{3,}", "\n\n", text),
                html,
            )
        # Outside of the handler: the error may quote a title.
        raise PermanentError(f"mail template {envelope.template}: {fault}")


def _lessons_of(envelope: Envelope) -> Sequence[Lesson]:
    """What the mail is about, the newest word on each video, oldest first."""
    newest: dict[UUID, Lesson] = {}
    for mail in envelope.mails:
        variables = parse_variables(envelope.template, mail.variables)
        if isinstance(variables, PlatformHealth):
            continue
        told: Sequence[Lesson] = (
            variables.lessons
            if isinstance(variables, VideoHealthAlert)
            else (variables,)
        )
        for lesson in told:
            newest.pop(lesson.video_id, None)
            newest[lesson.video_id] = lesson
    return list(newest.values())


def _parts_of(envelope: Envelope) -> Sequence[PartHealth]:
    """The newest word on each part of the platform, in the order of the words."""
    newest: dict[str, PartHealth] = {}
    for mail in envelope.mails:
        variables = parse_variables(envelope.template, mail.variables)
        if isinstance(variables, PlatformHealth):
            for part in variables.parts:
                newest.pop(part.part, None)
                newest[part.part] = part
    return list(newest.values())


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=select_autoescape(enabled_extensions=("html.j2",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
    )
