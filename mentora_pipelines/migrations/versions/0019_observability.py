"""What stages took, and how well the platform was."""

from mentora_pipelines.migrations import run_sql

revision = "0019_observability"
down_revision = "0018_data_quality"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the SQL file of this revision."""
    run_sql("0019_observability.up")


def downgrade() -> None:
    """Undo it."""
    run_sql("0019_observability.down")
