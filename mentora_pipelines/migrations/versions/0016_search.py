"""Search: words by language, plans by scope, `match_video_chunks`."""

from mentora_pipelines.migrations import run_sql, run_sql_outside_transaction

revision = "0016_search"
down_revision = "0015_memberships"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Build the indexes of live tables, then run the SQL file of this revision."""
    run_sql_outside_transaction("0016_search.concurrent")
    run_sql("0016_search.up")


def downgrade() -> None:
    """Undo it."""
    run_sql("0016_search.down")
