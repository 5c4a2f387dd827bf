"""Generations that are built beside the active one, measured and swapped."""

from mentora_pipelines.migrations import run_sql

revision = "0017_generations"
down_revision = "0016_search"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the SQL file of this revision."""
    run_sql("0017_generations.up")


def downgrade() -> None:
    """Undo it."""
    run_sql("0017_generations.down")
