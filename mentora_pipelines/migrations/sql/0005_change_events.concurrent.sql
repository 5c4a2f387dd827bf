-- What a consumer picks, oldest first, and what an operator looks at.
drop index concurrently if exists idx_events_pending;
create index concurrently idx_events_pending on events (next_attempt_at, id)
    where status = 'pending';
drop index concurrently if exists idx_events_dead;
create index concurrently idx_events_dead on events (created_at, id) where status = 'dead';
drop index concurrently if exists idx_events_creator;
create index concurrently idx_events_creator on events (creator_id, created_at desc, id desc);
