"""The ways in which assets are divided."""

import dagster as dg

videos = dg.DynamicPartitionsDefinition(name="videos")
"""One partition per video being worked on; the key is the id of the video."""

health_weeks = dg.WeeklyPartitionsDefinition(
    start_date="2026-01-04", day_offset=0, hour_offset=3, timezone="UTC"
)
"""Weeks that end on Sundays at 03:00 UTC, when their lessons are looked at."""
