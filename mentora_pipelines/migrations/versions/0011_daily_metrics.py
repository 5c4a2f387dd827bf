"""The metrics of a day, counted from its facts; what we process becomes facts."""

from mentora_pipelines.migrations import run_sql

revision = "0011_daily_metrics"
down_revision = "0010_edits"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the SQL file of this revision."""
    run_sql("0011_daily_metrics.up")


def downgrade() -> None:
    """Undo it."""
    run_sql("0011_daily_metrics.down")
