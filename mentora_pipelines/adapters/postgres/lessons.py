"""All that the steps of a lesson read and write, for one creator at a time."""

from mentora_pipelines.adapters.postgres.captions import CaptionRows
from mentora_pipelines.adapters.postgres.chunks import ChunkRows
from mentora_pipelines.adapters.postgres.embeddings import EmbeddingRows
from mentora_pipelines.adapters.postgres.leases import LeaseRows
from mentora_pipelines.adapters.postgres.paid_answers import PaidAnswerRows
from mentora_pipelines.adapters.postgres.published_lessons import PublishedLessonRows
from mentora_pipelines.adapters.postgres.quiz_life import QuizLifeRows
from mentora_pipelines.adapters.postgres.quiz_notices import QuizNoticeRows
from mentora_pipelines.adapters.postgres.quizzes import QuizRows
from mentora_pipelines.adapters.postgres.recognised_windows import (
    RecognisedWindowRows,
)
from mentora_pipelines.adapters.postgres.transcripts import TranscriptRows
from mentora_pipelines.adapters.postgres.versions import VersionRows
from mentora_pipelines.adapters.postgres.videos import VideoRows


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
