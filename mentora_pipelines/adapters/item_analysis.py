"""Item analysis with pandas, over answers that SQL has counted."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from mentora_pipelines.domain.quizzes.item_statistics import (
    AnswerCount,
    ItemFigures,
    OptionUse,
)
from mentora_pipelines.domain.quizzes.questions import Question

if TYPE_CHECKING:
    import pandas as pd


class PandasItemAnalyst:
    """Satisfies `ItemAnalyst`."""

    def figures(
        self, questions: Mapping[UUID, Question], counts: Sequence[AnswerCount]
    ) -> list[ItemFigures]:
        """The figures of each question that was answered, in the order given."""
        import pandas as pd

        if not counts:
            return []
        frame = pd.DataFrame(
            [
                (c.question_id, c.answer, float(c.is_right), float(c.rest), c.students)
                for c in counts
            ],
            columns=["question_id", "answer", "right", "rest", "students"],
        )
        groups = dict(iter(frame.groupby("question_id", sort=False)))
        return [
            _figures(question_id, question, groups[question_id])
            for question_id, question in questions.items()
            if question_id in groups
        ]


def _figures(
    question_id: UUID, question: Question, rows: "pd.DataFrame"
) -> ItemFigures:
    weights = rows["students"]
    students = int(weights.sum())
    return ItemFigures(
        question_id,
        students,
        difficulty=float((rows["right"] * weights).sum() / students),
        discrimination=_correlation(rows),
        options=tuple(_uses(question, rows)),
    )


def _correlation(rows: "pd.DataFrame") -> float | None:
    """Pearson's r between right and rest, each row weighted by its students."""
    share = rows["students"] / rows["students"].sum()
    right = rows["right"] - (rows["right"] * share).sum()
    rest = rows["rest"] - (rows["rest"] * share).sum()
    spread = float((right**2 * share).sum() * (rest**2 * share).sum())
    if spread <= 1e-12:
        return None
    return float((right * rest * share).sum() / spread**0.5)


def _uses(question: Question, rows: "pd.DataFrame") -> list[OptionUse]:
    chosen = rows.explode("answer")
    chosen = chosen.assign(
        answer=chosen["answer"].str.strip().str.casefold(),
        points=chosen["rest"] * chosen["students"],
    )
    sums = chosen.groupby("answer")[["students", "points"]].sum()
    uses = []
    for option in question.options:
        name = option.strip().casefold()
        students, points = sums.loc[name] if name in sums.index else (0, 0.0)
        uses.append(
            OptionUse(
                option,
                option in question.answers,
                int(students),
                float(points / students) if students else None,
            )
        )
    return uses
