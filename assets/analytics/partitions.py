"""The days that metrics are counted for."""

import dagster as dg

from mentora_pipelines.domain.analytics.daily_metrics import FIRST_DAY

days = dg.DailyPartitionsDefinition(start_date=FIRST_DAY.isoformat(), timezone="UTC")
"""One partition per whole day in UTC; its key is the date. Today has none yet."""
