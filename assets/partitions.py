"""The ways in which assets are divided."""

import dagster as dg

videos = dg.DynamicPartitionsDefinition(name="videos")
"""One partition per video being worked on; the key is the id of the video."""
