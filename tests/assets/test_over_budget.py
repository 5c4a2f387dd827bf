"""A lesson for which its creator has no budget left, on the real database."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from mentora_pipelines.adapters.postgres.catalogue import PostgresCatalogue
from mentora_pipelines.adapters.postgres.lessons.lessons import PostgresLessons
from mentora_pipelines.domain.spending.budgets import Budget
from mentora_pipelines.domain.spending.metering import MeteredTranscriber
from mentora_pipelines.domain.spending.plans import plan_lesson
from mentora_pipelines.domain.spending.usage import PATIENCE
from mentora_pipelines.domain.videos import ProcessingStatus, Video
from mentora_pipelines.errors import CREATOR_SENTENCES, ErrorCode
from mentora_pipelines.providers.lesson_services import open_lesson_services
from mentora_pipelines.providers.spending import open_spending, open_usage_ledgers
from tests.fix_lessons import SAMPLES
from tests.fix_runs import Connection, CountingTranscriber, RunLesson, retries

BOOKED = """
select count(*), sum(input_units), sum(cost_usd), min(status), max(status)
from ai_usage
where video_id = %(id)s and operation = 'transcription' and unit = 'seconds'
"""

MAILS = """
select variables ->> 'code' from email_outbox where subject_id = %(id)s
"""


def test_a_lesson_over_budget_fails_for_good_with_one_mail_until_the_limit_is_raised(
    run_lesson: RunLesson,
    catalogue: PostgresCatalogue,
    lessons: PostgresLessons,
    upload: Callable[[Path], Video],
    admin: Connection,
) -> None:
    """Else a creator's minutes run over, or one mail comes for each try."""
    video = upload(SAMPLES / "photosynthesis.mp4")
    heard = CountingTranscriber()
    with (
        open_usage_ledgers() as ledgers,
        open_spending() as spending,
        open_lesson_services(ledgers) as real,
    ):
        metered = MeteredTranscriber(heard, "tiny.en", ledgers)
        services = replace(real, transcriber=metered)
        # Nobody has taken it in yet: its sound is decoded to be measured.
        plan = plan_lesson(video, 10, services=services, store=lessons)
        spending.set_budget(video.creator_id, Budget(limit_minutes=0.1))
        for _ in range(2):
            refused = run_lesson(video, transcriber=metered)
            assert not refused.success
            assert retries(refused) == []
        after = catalogue.video(video.id)
        assert after.processing_status is ProcessingStatus.FAILED
        assert after.error_code is ErrorCode.OVER_BUDGET
        assert after.error_message == CREATOR_SENTENCES[ErrorCode.OVER_BUDGET]
        assert heard.calls == 0
        mails = admin.execute(MAILS, {"id": str(video.id)}).fetchall()
        assert mails == [("over_budget",)]

        spending.set_budget(video.creator_id, Budget(limit_minutes=60))
        for _ in range(2):
            assert run_lesson(video, transcriber=metered).success
        assert spending.give_up(PATIENCE) == 0
        after = catalogue.video(video.id)
        finished = plan_lesson(after, 10, services=services, store=lessons)
    assert finished.calls == ()
    assert after.duration_s is not None
    ((windows, seconds, cost, *statuses),) = admin.execute(
        BOOKED, {"id": video.id}
    ).fetchall()
    assert windows == heard.calls, "an unchanged re-run hears nothing"
    assert seconds == round(after.duration_s, 3)
    assert [call.input_units for call in plan.calls] == [seconds]
    assert (cost, statuses) == (0, ["settled", "settled"])
