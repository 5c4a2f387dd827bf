"""Each hour: a delivery of Whop's may be lost, and a student should not wait longer."""

import dagster as dg

from assets.cockpit import OPERATIONS, team
from assets.operations.memberships import memberships_job
from assets.triggers import checked_in
from mentora_pipelines.settings.memberships import WhopSettings


@dg.schedule(
    job=memberships_job,
    # Not on the hour, when everybody asks.
    cron_schedule="17 * * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Follows what Whop lists, so that a lost delivery does no harm.",
    tags=team(OPERATIONS),
)
@checked_in
def memberships_schedule() -> dg.RunRequest | dg.SkipReason:
    """A run, unless memberships are off."""
    if WhopSettings().api_key is None:
        return dg.SkipReason("memberships are off: WHOP_API_KEY is not set")
    return dg.RunRequest()
