"""What a fact is worth, told when it is written."""

from mentora_pipelines.migrations import run_sql

revision = "0018_data_quality"
down_revision = "0017_generations"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the SQL file of this revision."""
    run_sql("0018_data_quality.up")


def downgrade() -> None:
    """Undo it."""
    run_sql("0018_data_quality.down")
