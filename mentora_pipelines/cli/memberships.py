"""`mentora membership`: who may see what a creator sells."""

from typing import Annotated

import typer

from mentora_pipelines.cli.output import JsonOption, print_json, print_table
from mentora_pipelines.domain.uploads import parse_creator
from mentora_pipelines.providers.lessons import open_catalogue
from mentora_pipelines.providers.memberships import open_access_checks

app = typer.Typer(
    help="Who may see what a creator sells.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.callback()
def _group() -> None:
    """Who may see what a creator sells."""


@app.command("check")
def check(
    user: Annotated[str, typer.Argument(help="Id of a user at Whop, as user_….")],
    creator: Annotated[str, typer.Option(help="The creator: mail or id.")],
    json: JsonOption = False,
) -> None:
    """Say whether a user has access, and what that rests on."""
    with open_catalogue() as catalogue:
        creator_id = catalogue.creator_id(parse_creator(creator))
    with open_access_checks() as checks:
        access = checks.access(creator_id, user)
    if json:
        print_json(
            {
                "creator": creator_id,
                "user": user,
                "granted": access.granted,
                "basis": access.basis,
                "resources": list(access.resources),
                "answered_at": access.answered_at,
            }
        )
        return
    print_table(
        "Access",
        ["user", "granted", "basis", "to", "said at"],
        [
            [
                user,
                "yes" if access.granted else "no",
                access.basis,
                ", ".join(access.resources) or None,
                access.answered_at,
            ]
        ],
    )
