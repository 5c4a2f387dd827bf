"""What a person finds in the UI: owners, tables and columns that are really so."""

import json

from assets.cockpit import COLUMNS
from mentora_pipelines.definitions import defs
from mentora_pipelines.services import DatabaseUrls
from tests.column_schemas import column_schemas


def test_the_columns_that_the_ui_shows_are_those_of_the_tables(
    urls: DatabaseUrls,
) -> None:
    """Else the UI shows another table; python -m tests.column_schemas mends it."""
    told = json.loads(COLUMNS.read_text(encoding="utf-8"))
    assert told == column_schemas(urls.admin)


def test_everything_has_an_owner_and_every_table_its_columns() -> None:
    """Else nobody knows whom to ask about a red asset."""
    for spec in defs.resolve_all_asset_specs():
        assert spec.owners, spec.key
        if spec.key.path[-1] != "audio":
            assert spec.metadata["dagster/table_name"]
            assert spec.metadata["dagster/column_schema"].columns
    repository = defs.get_repository_def()
    for sensor in repository.sensor_defs:
        assert sensor.tags["team"], sensor.name
        assert sensor.description, sensor.name
    for schedule in repository.schedule_defs:
        assert schedule.tags["team"], schedule.name
        assert schedule.description, schedule.name
