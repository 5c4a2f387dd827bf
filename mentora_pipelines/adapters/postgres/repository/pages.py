"""A page of a listing, read in one transaction, with the cursors to both sides."""

from psycopg.rows import class_row

from mentora_pipelines.adapters.postgres.database import Connection
from mentora_pipelines.adapters.postgres.repository.cursors import CursorCodec
from mentora_pipelines.adapters.postgres.repository.declaration import Row
from mentora_pipelines.adapters.postgres.repository.keyset import Listing, Place
from mentora_pipelines.domain.paging import Page


def read_page(
    connection: Connection,
    listing: Listing[Row],
    place: Place,
    limit: int,
    cursors: CursorCodec,
) -> Page[Row]:
    """At most `limit` rows from a place on, in the order of the listing."""
    with connection.cursor(row_factory=class_row(listing.table.row)) as cursor:
        # The row beyond the limit tells whether a page follows.
        found = cursor.execute(
            listing.page_statement(place), listing.parameters(place, limit + 1)
        ).fetchall()
    rows = found[:limit]
    ahead = behind = None
    if len(found) > limit:
        ahead = Place(listing.position_of(rows[-1]), place.backward)
    if place.position is not None and _has_rows(connection, listing, place.turned):
        behind = (
            Place(listing.position_of(rows[0]), not place.backward)
            if rows
            else place.turned
        )
    if place.backward:
        rows.reverse()
        ahead, behind = behind, ahead
    return Page(
        tuple(rows),
        next_cursor=None if ahead is None else cursors.seal(listing, ahead),
        previous_cursor=None if behind is None else cursors.seal(listing, behind),
    )


def _has_rows(connection: Connection, listing: Listing[Row], place: Place) -> bool:
    found = connection.execute(
        listing.any_row_statement(place), listing.parameters(place, 1)
    )
    return found.fetchone() is not None
