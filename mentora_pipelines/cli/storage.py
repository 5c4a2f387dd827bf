"""`mentora storage`: links to objects, and what nobody names any more."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from mentora_pipelines.cli.output import (
    JsonOption,
    print_json,
    print_table,
    print_text,
    say,
)
from mentora_pipelines.domain.operations.orphans import (
    OrphanSurvey,
    collect_orphans,
    survey_orphans,
)
from mentora_pipelines.domain.operations.unused_vectors import (
    VectorUse,
    collect_vectors,
)
from mentora_pipelines.domain.storage import LINK_LIFETIME_S
from mentora_pipelines.domain.uploads import parse_creator, upload_key
from mentora_pipelines.errors import InvalidInput
from mentora_pipelines.providers.storage import make_links, make_storage, open_orphans
from mentora_pipelines.settings.storage import StorageSettings

app = typer.Typer(
    help="Links to stored objects, and what nobody names any more.",
    no_args_is_help=True,
    add_completion=False,
)

LifetimeOption = Annotated[
    int, typer.Option("--seconds", help="How long the link works.")
]


@app.command("orphans")
def orphans(
    *,
    delete: Annotated[
        bool, typer.Option("--delete", help="Delete them; else they are counted.")
    ] = False,
    past_guard: Annotated[
        bool,
        typer.Option("--past-guard", help="Also when most of all would go."),
    ] = False,
    json: JsonOption = False,
) -> None:
    """Count, or delete, objects and vectors that nobody names, after their grace."""
    if past_guard and not delete:
        raise InvalidInput("--past-guard is for --delete")
    storage = make_storage()
    grace = timedelta(days=StorageSettings().orphan_grace_days)
    now = datetime.now(UTC)
    with open_orphans() as ledger:
        use, gone = ledger.vector_use(now - grace), 0
        if delete:
            collected = collect_orphans(
                storage, ledger, now=now, grace=grace, past_guard=past_guard
            )
            survey, numbers = collected.survey, collected.as_plain()
            gone = collect_vectors(ledger, now=now, grace=grace, past_guard=past_guard)
        else:
            survey = survey_orphans(storage, ledger, now=now, grace=grace)
            numbers = survey.as_plain()
    fault = "; ".join(filter(None, (survey.fault, use.fault))) or None
    if json:
        vectors = {"stored": use.vectors, "unused": use.unused, "deleted": gone}
        print_json({"orphans": numbers, "vectors": vectors, "fault": fault})
        return
    _show(survey, use)
    if delete:
        say(
            f"{numbers['deleted']} deleted, {numbers['discarded']} writes discarded, "
            f"{gone} vectors deleted"
        )
    elif fault is not None:
        print_text(f"--delete would refuse: {fault}")


@app.command("link")
def link(key: str, *, seconds: LifetimeOption = LINK_LIFETIME_S) -> None:
    """Print a link under which a browser reads one object of the bucket."""
    print_text(make_links().sign_download(key, lifetime_s=seconds))


@app.command("upload-form")
def upload_form(
    file_name: Annotated[str, typer.Argument(metavar="NAME", help="The file's name.")],
    *,
    creator: Annotated[str, typer.Option(help="The creator's mail address or id.")],
    size: Annotated[int, typer.Option(help="The file's length in bytes.")],
    seconds: LifetimeOption = LINK_LIFETIME_S,
) -> None:
    """Print, as JSON, how a browser uploads one file into the bucket."""
    key = upload_key(datetime.now(UTC).date(), parse_creator(creator), file_name)
    form = make_links().sign_upload(key, size=size, lifetime_s=seconds)
    print_json(
        {
            "key": key,
            "method": form.method,
            "url": form.url,
            "fields": dict(form.fields),
            "until": form.until,
        }
    )


def _show(survey: OrphanSurvey, use: VectorUse) -> None:
    print_table(
        "Orphans",
        ["under", "objects", "orphans", "MB"],
        [
            [kind.prefix, kind.objects, kind.orphans, round(kind.size / 1e6, 1)]
            for kind in survey.kinds
        ],
    )
    print_text(f"Unfinished writes past their grace: {survey.unfinished}")
    print_text(f"Vectors that no chunk uses: {use.unused} of {use.vectors}")
