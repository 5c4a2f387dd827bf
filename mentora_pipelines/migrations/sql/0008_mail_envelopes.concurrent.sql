drop index concurrently if exists idx_email_outbox_sent;
create index concurrently idx_email_outbox_sent
    on email_outbox (recipient, template, sent_at) where status = 'sent';
