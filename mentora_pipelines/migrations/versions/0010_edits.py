"""Edited transcripts; cuttings of chunks and captions that stay what they were."""

from mentora_pipelines.migrations import run_sql

revision = "0010_edits"
down_revision = "0009_recognition"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the SQL file of this revision."""
    run_sql("0010_edits.up")


def downgrade() -> None:
    """Undo it."""
    run_sql("0010_edits.down")
