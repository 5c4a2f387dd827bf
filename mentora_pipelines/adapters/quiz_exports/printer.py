"""The formats of a handout: GIFT, QTI, JSON, and a page to print.

Here belong JSON and the page, which a template makes. Not here: GIFT and QTI.
"""

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from mentora_pipelines.adapters.quiz_exports.gift import as_gift
from mentora_pipelines.adapters.quiz_exports.qti import as_qti
from mentora_pipelines.domain.lessons.times import clock
from mentora_pipelines.domain.quizzes.handouts import Handout, HandoutFormat
from mentora_pipelines.domain.quizzes.questions import BLANK

if TYPE_CHECKING:
    from jinja2 import Template

TEMPLATE = Path(__file__).with_name("handout.html.j2")
JSON_VERSION = 1


class FileHandouts:
    """Satisfies `HandoutPrinter`."""

    def print(self, handout: Handout, wanted: HandoutFormat) -> bytes:
        """The content of the file: UTF-8 text, for QTI a ZIP package."""
        match wanted:
            case HandoutFormat.GIFT:
                return as_gift(handout).encode()
            case HandoutFormat.QTI:
                return as_qti(handout)
            case HandoutFormat.JSON:
                return as_json(handout).encode()
            case HandoutFormat.HTML:
                return as_html(handout).encode()


def as_json(handout: Handout) -> str:
    """One object; it may stand inside a page, since it holds no `<`."""
    quiz = handout.quiz
    text = json.dumps(
        {
            "version": JSON_VERSION,
            "quiz_id": str(quiz.id),
            "video_id": str(handout.video_id),
            "title": handout.title,
            "language": handout.language,
            "status": quiz.status,
            "questions": [
                {
                    "id": str(question_id),
                    **question.as_plain(),
                    "url": handout.moment(question),
                }
                for question_id, question in zip(
                    quiz.question_ids, quiz.questions, strict=True
                )
            ],
        },
        ensure_ascii=False,
        indent=2,
    )
    return text.replace("<", "\\u003c") + "\n"


def as_html(handout: Handout) -> str:
    """A page to print: the questions, and on a sheet of their own the answers."""
    return _template().render(
        handout=handout,
        questions=handout.quiz.questions,
        clock=clock,
        blank=BLANK,
        letters="ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    )


@cache
def _template() -> "Template":
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
