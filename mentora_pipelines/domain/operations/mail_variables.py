"""The templates of mail, and the variables that each takes.

Here belongs what a mail tells. Not here: its words and looks, which are the
templates', or whom it goes to (`mail`).
"""

import unicodedata
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from mentora_pipelines.errors import CREATOR_SENTENCES, ErrorCode, InvalidInput

MAX_TITLE_CHARACTERS = 150
"""Longer titles are cut: a subject line shows about half of it."""

MAX_HEALTH_LINES = 1000

UNTITLED = "Untitled lesson"

_LINE_BREAKERS = frozenset(("Cc", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"))
_BIDI_CONTROLS = frozenset(
    "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)


class MailTemplate(StrEnum):
    """What mail there is."""

    VIDEO_PROCESSING_FAILED = "video-processing-failed"
    VIDEO_HEALTH_ALERT = "video-health-alert"
    PLATFORM_HEALTH = "platform-health"
    QUIZ_GENERATION_FAILED = "quiz-generation-failed"


def one_line(text: str) -> str:
    """The text as it may stand in a subject line: no line end, bounded.

    Letters that turn the direction of writing go too: they disguise what follows.
    """
    spaced = "".join(
        " "
        if unicodedata.category(letter) in _LINE_BREAKERS or letter in _BIDI_CONTROLS
        else letter
        for letter in text
    )
    line = " ".join(spaced.split()) or UNTITLED
    if len(line) > MAX_TITLE_CHARACTERS:
        return f"{line[: MAX_TITLE_CHARACTERS - 1].rstrip()}…"
    return line


Title = Annotated[str, AfterValidator(one_line)]


class _Variables(BaseModel):
    """Variables as stored: camelCase, as the web application writes them."""

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        hide_input_in_errors=True,
    )


class VideoProcessingFailed(_Variables):
    """A lesson that could not be made.

    The sentence that the creator reads follows from `code`: there is no place for
    any other text. `upload_number` tells the failure of another upload apart.
    """

    video_id: UUID
    title: Title
    code: ErrorCode
    upload_number: int = Field(1, gt=0)

    @property
    def sentence(self) -> str:
        """What is wrong and what to do."""
        return CREATOR_SENTENCES[self.code]


class QuizGenerationFailed(VideoProcessingFailed):
    """A quiz that could not be written; its lesson stands as it did.

    `requested_as` is the name under which somebody waits for it. `run_id` tells the
    failure of another try apart.
    """

    requested_as: UUID | None = None
    run_id: UUID | None = None

    @property
    def sentence(self) -> str:
        """What is wrong and what to do."""
        return quiz_sentence(self.code)


class LessonHealth(_Variables):
    """What became of one lesson's video; `ok`: it can be played again."""

    video_id: UUID
    title: Title
    outcome: Literal["ok", "gone", "forbidden", "expired", "timeout"]

    @property
    def sentence(self) -> str:
        """What is wrong and what to do."""
        return HEALTH_SENTENCES[self.outcome]


class VideoHealthAlert(_Variables):
    """Lessons that can no longer be played, and those that can again."""

    lessons: tuple[LessonHealth, ...] = Field(min_length=1, max_length=MAX_HEALTH_LINES)


class PartHealth(_Variables):
    """How a part of the platform stands."""

    part: Title
    is_well: bool
    detail: str = Field(max_length=500)


class PlatformHealth(_Variables):
    """Parts of the platform that are not well any more, or well again."""

    parts: tuple[PartHealth, ...] = Field(min_length=1, max_length=100)


Variables = (
    VideoProcessingFailed | QuizGenerationFailed | VideoHealthAlert | PlatformHealth
)

HEALTH_SENTENCES: dict[str, str] = {
    "ok": "The video can be played again.",
    "gone": (
        "There is no video at its address any more. "
        "Please upload it again, or correct the address."
    ),
    "forbidden": (
        "The server that holds the video does not show it to your students. "
        "Please allow access to it."
    ),
    "expired": "The link to the video has expired. Please renew it.",
    "timeout": (
        "The server that holds the video did not answer, several times. "
        "Please check whether it plays, or upload it again."
    ),
}
"""What a creator reads about the outcome of a health check."""

QUIZ_SENTENCES: dict[ErrorCode, str] = {
    ErrorCode.OVER_BUDGET: (
        "This month's budget does not suffice for it. "
        "Please ask for it again when the limit is raised, or next month."
    ),
    ErrorCode.TEMPORARY_FAULT: (
        "A service we depend on did not answer, several times. "
        "Please ask for it again later."
    ),
}
"""What a creator reads about a quiz that is not there, where there is more to say than
`QUIZ_FAULT`."""

QUIZ_FAULT = (
    "Something went wrong on our side. "
    "We have been told and will look at it; please ask for it again later."
)

VARIABLES: dict[MailTemplate, type[Variables]] = {
    MailTemplate.VIDEO_PROCESSING_FAILED: VideoProcessingFailed,
    MailTemplate.VIDEO_HEALTH_ALERT: VideoHealthAlert,
    MailTemplate.PLATFORM_HEALTH: PlatformHealth,
    MailTemplate.QUIZ_GENERATION_FAILED: QuizGenerationFailed,
}


def quiz_sentence(code: ErrorCode) -> str:
    """Why there is no quiz, and what to do."""
    return QUIZ_SENTENCES.get(code, QUIZ_FAULT)


def parse_variables(template: str, variables: Mapping[str, object]) -> Variables:
    """The typed variables of a template; raises `InvalidInput` naming the fields."""
    try:
        return VARIABLES[MailTemplate(template)].model_validate(variables)
    except ValidationError as error:
        faults = error.errors(include_input=False, include_url=False)
        fields = sorted({".".join(map(str, fault["loc"])) for fault in faults})
        names = ", ".join(fields)
    except ValueError:
        names = "template"
    raise InvalidInput(f"a mail {template!r} cannot be made: wrong or missing {names}")
