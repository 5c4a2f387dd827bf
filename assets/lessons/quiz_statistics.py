"""What students' answers say about the questions, looked at once a week."""

from collections.abc import Sequence

import dagster as dg

from assets.failures import RETRY_POLICY, platform_step
from assets.tables import quiz_questions_table
from mentora_pipelines.domain.quizzes.item_statistics import (
    LOOK_BACK,
    MAX_QUIZZES,
    AnswerCounts,
    ItemAnalyst,
    ItemReport,
    item_reports,
)

MAX_TOLD = 50
"""Questions named in the check's metadata; their number stands beside them."""


@dg.asset_check(asset=quiz_questions_table.key, retry_policy=RETRY_POLICY)
def no_question_puzzles_its_students(
    quiz_answers: dg.ResourceParam[AnswerCounts],
    item_analyst: dg.ResourceParam[ItemAnalyst],
) -> dg.AssetCheckResult:
    """Else a wrong key marks the best students down, and nobody hears of it."""
    with platform_step():
        taken = quiz_answers.quizzes_taken(LOOK_BACK, MAX_QUIZZES)
        reports = item_reports(taken, counts=quiz_answers, analyst=item_analyst)
    flagged = [report for report in reports if report.flags]
    return dg.AssetCheckResult(
        passed=not flagged,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "quizzes": len(taken),
            "questions": len(reports),
            "flagged": len(flagged),
            "look at": dg.MetadataValue.md(_table(flagged[:MAX_TOLD])),
        },
    )


quiz_statistics_job = dg.define_asset_job(
    "quiz_statistics_job",
    selection=dg.AssetSelection.checks(no_question_puzzles_its_students),
    description="Which questions of the week should somebody look at?",
)


def _table(reports: Sequence[ItemReport]) -> str:
    """The questions by place: a prompt may hold what only its creator may read."""
    lines = [
        "| quiz | question | students | right | discrimination | why |",
        "|-|-|-|-|-|-|",
    ]
    for report in reports:
        figures = report.figures
        separates = figures.discrimination
        cells = (
            str(report.place.quiz_id),
            str(report.place.number),
            str(figures.students),
            f"{figures.difficulty:.0%}",
            "–" if separates is None else f"{separates:.2f}",
            ", ".join(report.flags),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
