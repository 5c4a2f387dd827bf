"""`mentora events` and `replay`: what was told, and telling it again."""

from collections import Counter
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import typer

from mentora_pipelines.cli.output import (
    JsonOption,
    print_json,
    print_table,
    print_text,
    say,
)
from mentora_pipelines.domain.events.outbox import EventStatus
from mentora_pipelines.domain.paging import DEFAULT_LIMIT
from mentora_pipelines.errors import InvalidInput, NotFound
from mentora_pipelines.providers.events import open_event_outbox

NameOption = Annotated[
    str | None, typer.Option(help="Only events of this name, as email/send.")
]


def events(
    *,
    name: NameOption = None,
    status: Annotated[
        EventStatus | None, typer.Option(help="Only events in this status.")
    ] = None,
    count: Annotated[
        bool, typer.Option("--count", help="How many there are of each name.")
    ] = False,
    limit: Annotated[int, typer.Option(help="Events on a page.")] = DEFAULT_LIMIT,
    cursor: Annotated[
        str | None, typer.Option(help="Go on where another page ended.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Show events and what became of them, newest first."""
    with open_event_outbox() as outbox:
        if count:
            counts = outbox.counts()
            if json:
                print_json(
                    {
                        "counts": [
                            {
                                "name": found.name,
                                "status": found.status,
                                "events": found.events,
                                "oldest": found.oldest,
                            }
                            for found in counts
                        ]
                    }
                )
                return
            print_table(
                "Events",
                ["name", "status", "events", "oldest"],
                [[c.name, c.status, c.events, f"{c.oldest:%F %T}"] for c in counts],
            )
            return
        page = outbox.event_page(name=name, status=status, limit=limit, cursor=cursor)
    if json:
        more = {} if page.next_cursor is None else {"next_cursor": page.next_cursor}
        print_json(
            {
                "events": [
                    {
                        "id": event.id,
                        "name": event.name,
                        "status": event.status,
                        "outcome": event.outcome,
                        "reason": event.dead_reason,
                        "attempts": event.attempts,
                        "replays": event.replays,
                        "creator_id": event.creator_id,
                        "payload": event.payload,
                        "created_at": event.created_at,
                        "next_attempt_at": event.next_attempt_at,
                        "handled_at": event.handled_at,
                    }
                    for event in page.rows
                ],
                **more,
            }
        )
        return
    print_table(
        "Events",
        ["id", "name", "status", "what became of it", "tries", "told"],
        [
            [
                event.id,
                event.name,
                event.status,
                event.dead_reason or event.outcome,
                event.attempts,
                f"{event.created_at:%F %T}",
            ]
            for event in page.rows
        ],
    )
    if page.next_cursor is not None:
        chosen = "".join(
            f" --{option} {value}"
            for option, value in (("name", name), ("status", status))
            if value is not None
        )
        say(f"more: mentora events{chosen} --limit {limit} --cursor {page.next_cursor}")


def replay(
    events: Annotated[
        list[UUID] | None, typer.Argument(metavar="[EVENT…]", help="Ids of events.")
    ] = None,
    dead: Annotated[
        bool, typer.Option("--dead", help="Every event that was given up.")
    ] = False,
    since: Annotated[
        datetime | None, typer.Option(help="Every handled event told since then (UTC).")
    ] = None,
    name: NameOption = None,
    json: JsonOption = False,
) -> None:
    """Make handled or parked events pending again; their effects are idempotent."""
    if bool(events) == (dead or since is not None):
        raise InvalidInput("name events, or say --dead or --since")
    if events and name is not None:
        raise InvalidInput("--name chooses among --dead and --since")
    with open_event_outbox() as outbox:
        replayed = outbox.replay(
            event_ids=events,
            status=EventStatus.DEAD if dead else None,
            name=name,
            since=None if since is None else since.replace(tzinfo=UTC),
        )
    if events and replayed < len(Counter(events)):
        raise NotFound(
            f"{replayed} of {len(Counter(events))} events are replayed: the others do "
            "not exist, are pending already, or tell of an upload that was refused"
        )
    if json:
        print_json({"replayed": replayed})
    else:
        print_text(f"{replayed} events are pending again")
