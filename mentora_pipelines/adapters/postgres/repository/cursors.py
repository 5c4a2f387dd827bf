"""Cursors: a place in one listing, as a text that only we can have written.

More is signed than is sent: the format, the table, the order, the filters and the
creator take part in the signature. So a cursor is refused wherever it was not given
out, and tells nothing of them; the position in it is that of a row on the page that
it came with. Here belongs the text. Not here: SQL.
"""

import hashlib
import hmac
import json
from functools import cache

from itsdangerous import BadData, URLSafeSerializer

from mentora_pipelines.adapters.postgres.repository.declaration import Row
from mentora_pipelines.adapters.postgres.repository.keyset import Listing, Place
from mentora_pipelines.errors import InvalidInput

FORMAT = "mentora-cursor-1"
"""Another one whenever the meaning of a cursor changes: older ones are refused."""


@cache
def cursor_key(secret: str) -> bytes:
    """The signing key that all processes with the same `secret` share.

    The secret is the database's URL, which holds a password. The derivation is slow
    (16 MiB and some 50 ms, once), since a cursor lets its holder try passwords.
    """
    return hashlib.scrypt(
        secret.encode(), salt=FORMAT.encode(), n=2**14, r=8, p=1, dklen=32
    )


class CursorCodec:
    """Writes and reads cursors with one signing key."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def seal(self, listing: Listing[Row], place: Place) -> str:
        """The cursor of a place in a listing."""
        texts = (
            column.to_text(value)
            for column, value in zip(listing.order, place.position or (), strict=True)
        )
        return self._serializer(listing).dumps(
            [int(place.backward), int(place.inclusive), *texts]
        )

    def unseal(self, listing: Listing[Row], cursor: str) -> Place:
        """The place of a cursor; raises `InvalidInput` unless it is of this listing."""
        serializer = self._serializer(listing)
        try:
            # Base64 has spare bits: a changed signature may read as the true one, so
            # the cursor has to be what signing its content gives.
            content, _, _ = cursor.encode("ascii").rpartition(b".")
            signed = serializer.make_signer().sign(content).decode()
            backward, inclusive, *texts = serializer.loads(
                cursor if hmac.compare_digest(signed, cursor) else ""
            )
            position = tuple(
                column.from_text(text)
                for column, text in zip(listing.order, texts, strict=True)
            )
        except (BadData, ValueError, AttributeError) as error:
            raise InvalidInput(
                "the cursor does not belong to this list: leave it out to begin anew"
            ) from error
        return Place(position, bool(backward), bool(inclusive))

    def _serializer(self, listing: Listing[Row]) -> URLSafeSerializer:
        scope = [
            FORMAT,
            listing.table.name,
            [[column.name, column.kind.type_name] for column in listing.order],
            listing.descending,
            listing.conditions.canonical,
        ]
        return URLSafeSerializer(
            self._key,
            salt=json.dumps(scope),
            signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
        )
