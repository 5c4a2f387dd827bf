drop table budgets, ai_usage, content_health_checks, email_outbox, leases;
grant update, delete on events to mentora_app;
alter table events
    drop column dead_reason,
    drop column handled_at,
    drop column next_attempt_at,
    drop column attempts,
    drop column status;
