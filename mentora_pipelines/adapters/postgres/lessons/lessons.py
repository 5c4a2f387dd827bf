"""All that the steps of a lesson read and write, for one creator at a time."""

from mentora_pipelines.adapters.postgres.lessons.captions import CaptionRows
from mentora_pipelines.adapters.postgres.lessons.chunks import ChunkRows
from mentora_pipelines.adapters.postgres.lessons.embeddings import EmbeddingRows
from mentora_pipelines.adapters.postgres.lessons.leases import LeaseRows
from mentora_pipelines.adapters.postgres.lessons.published_lessons import (
    PublishedLessonRows,
)
from mentora_pipelines.adapters.postgres.lessons.recognised_windows import (
    RecognisedWindowRows,
)
from mentora_pipelines.adapters.postgres.lessons.transcripts import TranscriptRows
from mentora_pipelines.adapters.postgres.lessons.versions import VersionRows
from mentora_pipelines.adapters.postgres.lessons.videos import VideoRows
from mentora_pipelines.adapters.postgres.quizzes.paid_answers import PaidAnswerRows
from mentora_pipelines.adapters.postgres.quizzes.quiz_life import QuizLifeRows
from mentora_pipelines.adapters.postgres.quizzes.quiz_notices import QuizNoticeRows
from mentora_pipelines.adapters.postgres.quizzes.quizzes import QuizRows


class PostgresLessons(
    VideoRows,
    LeaseRows,
    TranscriptRows,
    VersionRows,
    RecognisedWindowRows,
    CaptionRows,
    ChunkRows,
    EmbeddingRows,
    QuizRows,
    QuizLifeRows,
    QuizNoticeRows,
    PaidAnswerRows,
    PublishedLessonRows,
):
    """The store of lessons, as the app role: each call sees its video's creator."""
