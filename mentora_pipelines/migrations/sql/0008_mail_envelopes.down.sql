drop index idx_email_outbox_sent;
alter table email_outbox drop column envelope_id;
