"""What a look at the health of lessons needs to know of the ones before."""

from mentora_pipelines.migrations import run_sql

revision = "0012_content_health"
down_revision = "0011_daily_metrics"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the SQL file of this revision."""
    run_sql("0012_content_health.up")


def downgrade() -> None:
    """Undo it."""
    run_sql("0012_content_health.down")
