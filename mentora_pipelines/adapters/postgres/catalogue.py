"""What is looked up or made across creators, as the admin role."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg.rows import dict_row

from mentora_pipelines.adapters.postgres.database import Connection, Database
from mentora_pipelines.adapters.postgres.events.events import write_event
from mentora_pipelines.adapters.postgres.events.refused_uploads import RefusedUploadRows
from mentora_pipelines.adapters.postgres.operations.stage_timings import StageTimingRows
from mentora_pipelines.adapters.postgres.quizzes.quiz_requests import (
    is_being_written,
    request_quiz,
    take_reason,
)
from mentora_pipelines.adapters.postgres.repository.cursors import cursor_key
from mentora_pipelines.adapters.postgres.repository.repository import Repository
from mentora_pipelines.adapters.postgres.search.generations import GenerationRows
from mentora_pipelines.adapters.postgres.search.search import SearchRows
from mentora_pipelines.adapters.postgres.tables.lessons import VIDEOS
from mentora_pipelines.domain.events.payloads import UploadCompleted
from mentora_pipelines.domain.identity import creator_id_of, video_id_of
from mentora_pipelines.domain.paging import Page
from mentora_pipelines.domain.quizzes.questions import QuizWishes
from mentora_pipelines.domain.storage import StoredObject
from mentora_pipelines.domain.uploads import KnownUpload, UploadKey, run_key_of
from mentora_pipelines.domain.videos import ProcessingStatus, Video
from mentora_pipelines.errors import ErrorCode, InvalidInput, NotFound

SELECT_VIDEOS = """
select
    video.id, video.creator_id, creator.email as creator_email, video.title,
    video.storage_key, video.upload_etag, video.upload_number, video.source_etag,
    video.source_hash,
    video.audio_key, video.duration_s, video.processing_status, video.error_code,
    video.error_message, video.staged_transcript_id, video.published_transcript_id,
    video.created_at, video.processed_at, creator.settings ->> 'plan' as creator_plan,
    video.auto_generate_quiz, video.requeues,
    video.staged_chunk_cut, video.staged_caption_cut, video.published_chunk_cut,
    video.published_caption_cut
from videos as video
join creators as creator on creator.id = video.creator_id
"""

BY_ID = SELECT_VIDEOS + "where video.id = %(video_id)s"

BY_STORAGE_KEY = SELECT_VIDEOS + "where video.storage_key = %(storage_key)s"

BY_IDS = SELECT_VIDEOS + "where video.id = any(%(video_ids)s)"

BY_STATUS = (
    SELECT_VIDEOS
    + """
where (%(statuses)s::text[] is null or video.processing_status = any(%(statuses)s))
order by video.created_at, video.id
limit %(limit)s
"""
)

SELECT_KNOWN = """
select
    storage_key,
    upload_etag,
    processing_status = 'pending' and not exists (
        select from events
        where events.name = %(upload_completed)s
          -- As `run_key_of` names it.
          and events.deduplication_key =
              videos.id || '@' || videos.upload_etag || '#' || videos.upload_number),
    null::timestamptz
from videos
where storage_key = any(%(keys)s)
union all
-- A deleted video's bytes may lie there till they are collected: no new upload.
select storage_key, upload_etag, false, coalesce(asked_at, orphaned_at)
from orphaned_blobs
where storage_key = any(%(keys)s)
  and upload_etag is not null
  and not exists (
      select from videos where videos.storage_key = orphaned_blobs.storage_key)
"""

# The web application's row may name an upload that never came.
HAS_UPLOADS = "select exists (select from videos where source_etag is not null)"

TAKE_BACK = "delete from orphaned_blobs where storage_key = %(storage_key)s"

INSERT_CREATOR = """
insert into creators (id, email) values (%(creator_id)s, %(email)s)
on conflict do nothing
"""

SELECT_CREATOR = """
select id from creators
where id = %(creator_id)s or lower(email) = %(email)s
"""

UPSERT_VIDEO = """
insert into videos (
    id, creator_id, title, storage_key, upload_etag, auto_generate_quiz)
values (
    %(video_id)s, %(creator_id)s, %(title)s, %(storage_key)s, %(etag)s,
    %(auto_generate_quiz)s)
on conflict (storage_key) do update
set title = coalesce(%(given_title)s, videos.title),
    upload_etag = excluded.upload_etag,
    upload_number = videos.upload_number + 1,
    requeues = 0,
    processing_status = 'pending',
    error_code = null,
    error_message = null
where videos.upload_etag <> excluded.upload_etag
"""

WISH_FOR_QUIZ = """
update videos set auto_generate_quiz = true
where id = %(video_id)s and not auto_generate_quiz
"""

DELETE_VIDEO = """
delete from videos where id = %(video_id)s and creator_id = %(creator_id)s
"""

# What came between the wish and the deletion was not meant: it is another upload.
# The grace begins with the deletion, however late that is.
DATE_ORPHAN = """
update orphaned_blobs set asked_at = %(asked_at)s
where storage_key = %(storage_key)s and orphaned_at > %(asked_at)s
"""

# A quiz of this size about the words that readers see, newest first.
ANSWER_QUIZ_REQUEST = """
insert into quiz_requests (id, creator_id, quiz_id)
select %(requested_as)s, quizzes.creator_id, quizzes.id
from quizzes
join videos
    on videos.id = quizzes.video_id
    and videos.published_transcript_id = quizzes.transcript_id
where videos.id = %(video_id)s
  and quizzes.question_count = %(question_count)s
  and quizzes.wishes = %(wishes)s
  and quizzes.status not in ('stale', 'discarded')
order by quizzes.created_at desc
limit 1
on conflict (id) do update
set quiz_id = coalesce(quiz_requests.quiz_id, excluded.quiz_id), reason = null
"""


@dataclass(frozen=True, slots=True)
class _VideoPlace:
    """What a page of videos is ordered by."""

    id: UUID
    created_at: datetime


class PostgresCatalogue(GenerationRows, SearchRows, RefusedUploadRows, StageTimingRows):
    """Satisfies the ports that cross creators: catalogue, generations, search, timings.

    `cursor_secret` signs the cursors of its pages, see `cursors`.
    `auto_generate_quiz` says whether a newly found upload gets a quiz.
    """

    def __init__(
        self,
        database: Database,
        cursor_secret: str,
        *,
        auto_generate_quiz: bool = False,
    ) -> None:
        super().__init__(database)
        self._cursor_secret = cursor_secret
        self._auto_generate_quiz = auto_generate_quiz

    def video(self, video_id: UUID) -> Video:
        """The video; raises `NotFound`."""
        with self._database.transaction() as connection:
            rows = read_videos(connection, BY_ID, {"video_id": video_id})
        if not rows:
            raise NotFound(f"there is no video {video_id}")
        return rows[0]

    def find_by_storage_key(self, storage_key: str) -> Video | None:
        """The video uploaded under a key, or None."""
        with self._database.transaction() as connection:
            rows = read_videos(connection, BY_STORAGE_KEY, {"storage_key": storage_key})
        return rows[0] if rows else None

    def videos(
        self, statuses: Sequence[ProcessingStatus] | None = None, limit: int = 1000
    ) -> list[Video]:
        """Videos with one of `statuses` (all when None), oldest first."""
        wanted = None if statuses is None else [status.value for status in statuses]
        with self._database.transaction() as connection:
            return read_videos(
                connection, BY_STATUS, {"statuses": wanted, "limit": limit}
            )

    def video_page(
        self, *, creator_id: UUID | None, limit: int, cursor: str | None
    ) -> Page[Video]:
        """A page of a creator's videos (all creators' when None), newest first.

        Raises `InvalidInput` for a limit or a cursor that cannot be.
        """
        places = Repository(
            self._database, VIDEOS.choose(_VideoPlace), cursor_key(self._cursor_secret)
        ).list(
            creator_id=creator_id,
            order_by="created_at",
            descending=True,
            limit=limit,
            cursor=cursor,
        )
        ids = [place.id for place in places.rows]
        with self._database.transaction() as connection:
            found = read_videos(connection, BY_IDS, {"video_ids": ids})
        by_id = {video.id: video for video in found}
        return Page(
            tuple(by_id[video_id] for video_id in ids if video_id in by_id),
            places.next_cursor,
            places.previous_cursor,
        )

    def request_quiz(self, video: Video) -> None:
        """Let the upload have one quiz, as soon as readers see its lesson."""
        with self._database.transaction() as connection:
            connection.execute(WISH_FOR_QUIZ, {"video_id": video.id})
            if video.is_settled:
                request_quiz(connection, video)

    def answer_with_stored_quiz(
        self, video_id: UUID, wishes: QuizWishes, requested_as: UUID
    ) -> bool:
        """Answer a request with a quiz of the published words, if there is one."""
        with self._database.transaction() as connection:
            answered = connection.execute(
                ANSWER_QUIZ_REQUEST,
                {
                    "video_id": video_id,
                    "question_count": wishes.question_count,
                    "wishes": wishes.key,
                    "requested_as": requested_as,
                },
            )
            return answered.rowcount > 0

    def answer_with_known_reason(
        self, video_id: UUID, wishes: QuizWishes, requested_as: UUID, asked_at: datetime
    ) -> bool:
        """Answer a request with why a run gave no such quiz, if one ended since."""
        with self._database.transaction() as connection:
            return take_reason(connection, video_id, wishes, requested_as, asked_at)

    def is_quiz_being_written(
        self, video_id: UUID, wishes: QuizWishes, within: timedelta
    ) -> bool:
        """Whether a run was started for this quiz in the last `within`."""
        with self._database.transaction() as connection:
            return is_being_written(connection, video_id, wishes, within)

    def delete_video(self, video: Video, asked_at: datetime) -> None:
        """Remove a video with all that was made of it, if it is there.

        An upload that was stored after `asked_at` is taken for a new one.
        """
        with self._database.transaction() as connection:
            connection.execute(
                DELETE_VIDEO, {"video_id": video.id, "creator_id": video.creator_id}
            )
            connection.execute(
                DATE_ORPHAN, {"storage_key": video.storage_key, "asked_at": asked_at}
            )

    def creator_id(self, creator: UUID | str) -> UUID:
        """The id of a creator named by id or mail address; raises `NotFound`."""
        with self._database.transaction() as connection:
            found = _creator_id(connection, creator)
        if found is None:
            raise NotFound(_no_creator(creator))
        return found

    def known_uploads(self, keys: Iterable[str]) -> dict[str, KnownUpload]:
        """What is known of those of `keys` that have, or had, a video."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                SELECT_KNOWN,
                {"keys": list(keys), "upload_completed": UploadCompleted.name},
            ).fetchall()
        return {key: KnownUpload(*known) for key, *known in rows}

    def has_uploads(self) -> bool:
        """Whether the bytes of any upload were ever read."""
        with self._database.transaction() as connection:
            return connection.execute(HAS_UPLOADS).fetchone() == (True,)

    def register_upload(
        self, upload: StoredObject, key: UploadKey, title: str | None = None
    ) -> Video:
        """Make (or find) the creator and the video of an upload; idempotent.

        A video whose bytes changed goes back to `pending`; what readers see stays.
        Raises `NotFound` when the key names a creator's id that does not exist.
        """
        with self._database.transaction() as connection:
            if isinstance(key.creator, str):
                connection.execute(
                    INSERT_CREATOR,
                    {"creator_id": creator_id_of(key.creator), "email": key.creator},
                )
            creator_id = _creator_id(connection, key.creator)
            if creator_id is None:
                raise NotFound(_no_creator(key.creator))
            connection.execute(
                UPSERT_VIDEO,
                {
                    "video_id": video_id_of(upload.key),
                    "creator_id": creator_id,
                    "title": title or key.title,
                    "given_title": title,
                    "storage_key": upload.key,
                    "etag": upload.etag,
                    "auto_generate_quiz": self._auto_generate_quiz,
                },
            )
            connection.execute(TAKE_BACK, {"storage_key": upload.key})
            video = read_videos(
                connection, BY_STORAGE_KEY, {"storage_key": upload.key}
            )[0]
            if video.creator_id != creator_id:
                raise InvalidInput("the key is taken by a video of another creator")
            write_event(
                connection,
                UploadCompleted(
                    video_id=video.id,
                    creator_id=video.creator_id,
                    video_url=upload.key,
                    auto_generate_quiz=video.auto_generate_quiz,
                    upload_number=video.upload_number,
                ),
                deduplication_key=run_key_of(video),
                creator_id=video.creator_id,
            )
        return video


def read_videos(
    connection: Connection, statement: str, parameters: dict[str, Any]
) -> list[Video]:
    """The videos that a statement beginning with `SELECT_VIDEOS` finds."""
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(statement, parameters).fetchall()
    return [_video(row) for row in rows]


def _video(row: dict[str, Any]) -> Video:
    code = row["error_code"]
    return Video(
        **{
            **row,
            "processing_status": ProcessingStatus(row["processing_status"]),
            "error_code": None if code is None else ErrorCode(code),
        }
    )


def _no_creator(creator: UUID | str) -> str:
    """A sentence that is logged, so without a mail address."""
    named = "of this mail address" if isinstance(creator, str) else str(creator)
    return f"there is no creator {named}"


def _creator_id(connection: Connection, creator: UUID | str) -> UUID | None:
    row = connection.execute(
        SELECT_CREATOR,
        {
            "creator_id": creator if isinstance(creator, UUID) else None,
            "email": creator if isinstance(creator, str) else None,
        },
    ).fetchone()
    return None if row is None else row[0]
