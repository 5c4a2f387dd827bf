"""`mentora migrate`: the schema of the database."""

from mentora_pipelines import migrations
from mentora_pipelines.cli.output import JsonOption, print_json, print_text
from mentora_pipelines.services import database_urls


def migrate(json: JsonOption = False) -> None:
    """Bring the database's schema to the revision that this code needs."""
    url = database_urls().admin
    before = migrations.current_revision(url)
    migrations.upgrade(url)
    after = migrations.current_revision(url)
    if json:
        print_json({"before": before, "after": after})
    elif before == after:
        print_text(f"the schema is at {after}: nothing to do")
    else:
        print_text(f"the schema went from {before or 'nothing'} to {after}")
