"""Jobs: which assets are made together."""

import dagster as dg

lesson_job = dg.define_asset_job(
    "lesson_job",
    selection=dg.AssetSelection.groups("lessons"),
    description="One uploaded video becomes a published lesson with a draft quiz.",
)
