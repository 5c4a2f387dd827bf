-- Several rows may be sent as one digest; what a server may have stored is sent again as
-- what it was, so the row remembers.
alter table email_outbox add column envelope_id uuid;
comment on column email_outbox.envelope_id is
    'The message it is or was sent in: its own id, or that of a digest. NULL: in none yet.';
