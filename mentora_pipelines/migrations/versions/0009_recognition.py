"""Checkpoints of recognition: windows of a lesson that were heard."""

from mentora_pipelines.migrations import run_sql

revision = "0009_recognition"
down_revision = "0008_mail_envelopes"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the SQL file of this revision."""
    run_sql("0009_recognition.up")


def downgrade() -> None:
    """Undo it."""
    run_sql("0009_recognition.down")
