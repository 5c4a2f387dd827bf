"""Which message a mail is sent in, so that a digest is the same at every attempt."""

from mentora_pipelines.migrations import run_sql, run_sql_outside_transaction

revision = "0008_mail_envelopes"
down_revision = "0007_event_consumers"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Build the index of a live table, then run the SQL file of this revision."""
    run_sql_outside_transaction("0008_mail_envelopes.concurrent")
    run_sql("0008_mail_envelopes.up")


def downgrade() -> None:
    """Undo it."""
    run_sql("0008_mail_envelopes.down")
