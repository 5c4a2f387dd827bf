"""Notices of a bucket from which nothing can follow: dead events, with their reason."""

from psycopg.types.json import Jsonb

from mentora_pipelines.adapters.postgres.database import Rows
from mentora_pipelines.domain.identity import event_id_of
from mentora_pipelines.domain.upload_notices import UploadNotice

NAME = "storage/notice.refused"

INSERT_REFUSED = """
insert into events (
    id, name, schema_version, deduplication_key, creator_id, payload, status,
    handled_at, dead_reason)
values (
    %(id)s, %(name)s, 1, %(deduplication_key)s, null, %(payload)s, 'dead', now(),
    %(reason)s)
on conflict do nothing
"""


class RefusedNoticeRows(Rows):
    """Keeps what `mentora events --status dead` shows of the queue of notices."""

    def refuse_notice(self, notice: UploadNotice, reason: str) -> None:
        """Keep a notice with the reason why nothing follows from it; idempotent."""
        with self._database.transaction() as connection:
            connection.execute(
                INSERT_REFUSED,
                {
                    "id": event_id_of(NAME, notice.name),
                    "name": NAME,
                    "deduplication_key": notice.name,
                    "payload": Jsonb({"text": _storable(notice.text)}),
                    "reason": reason[:500],
                },
            )


def _storable(text: str) -> str:
    """The text without what PostgreSQL has no place for."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")
