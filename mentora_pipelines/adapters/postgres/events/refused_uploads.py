"""Uploads, and notices of them, from which nothing can follow: dead events."""

from collections.abc import Sequence

from psycopg.types.json import Jsonb

from mentora_pipelines.adapters.postgres.database import Rows
from mentora_pipelines.domain.identity import content_hash, event_id_of
from mentora_pipelines.domain.storage import StoredObject
from mentora_pipelines.domain.upload_notices import UploadNotice

NOTICE = "storage/notice.refused"
UPLOAD = "storage/upload.refused"

REASON_CHARACTERS = 500

INSERT_NOTICE = """
insert into events (
    id, name, schema_version, deduplication_key, creator_id, payload, status,
    handled_at, dead_reason)
values (
    %(id)s, %(name)s, 1, %(deduplication_key)s, null, %(payload)s, 'dead', now(),
    %(reason)s)
on conflict do nothing
"""

INSERT_UPLOADS = """
insert into events (
    id, name, schema_version, deduplication_key, creator_id, payload, status,
    handled_at, dead_reason)
select
    refused.id, %(name)s, 1, refused.deduplication_key, null,
    jsonb_build_object('text', refused.key), 'dead', now(), refused.reason
from unnest(
    %(ids)s::uuid[], %(deduplication_keys)s::text[], %(keys)s::text[],
    %(reasons)s::text[]) as refused (id, deduplication_key, key, reason)
where not exists (select from events where events.id = refused.id)
limit %(limit)s
on conflict do nothing
returning id
"""


class RefusedUploadRows(Rows):
    """Keeps what `mentora events --status dead` shows of uploads."""

    def refuse_notice(self, notice: UploadNotice, reason: str) -> None:
        """Keep a notice with the reason why nothing follows from it; idempotent."""
        with self._database.transaction() as connection:
            connection.execute(
                INSERT_NOTICE,
                {
                    "id": event_id_of(NOTICE, notice.name),
                    "name": NOTICE,
                    "deduplication_key": notice.name,
                    "payload": Jsonb({"text": _storable(notice.text)}),
                    "reason": reason[:REASON_CHARACTERS],
                },
            )

    def refuse_uploads(
        self, refused: Sequence[tuple[StoredObject, str]], limit: int
    ) -> list[str]:
        """Keep uploads that can be no videos, each once for its bytes, with the reason.

        At most `limit` of those that were not kept before; returns their keys.
        """
        if not refused:
            return []
        # Hashed: what a key holds may be a mail address, or no text at all.
        names = [content_hash(repr((u.key, u.etag))) for u, _ in refused]
        ids = [event_id_of(UPLOAD, name) for name in names]
        with self._database.transaction() as connection:
            rows = connection.execute(
                INSERT_UPLOADS,
                {
                    "name": UPLOAD,
                    "ids": ids,
                    "deduplication_keys": names,
                    "keys": [_storable(upload.key) for upload, _ in refused],
                    "reasons": [reason[:REASON_CHARACTERS] for _, reason in refused],
                    "limit": limit,
                },
            ).fetchall()
        new = {event_id for (event_id,) in rows}
        return [
            upload.key
            for event_id, (upload, _) in zip(ids, refused, strict=True)
            if event_id in new
        ]


def _storable(text: str) -> str:
    """The text without what PostgreSQL has no place for."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")
