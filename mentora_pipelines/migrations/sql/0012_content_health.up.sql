-- Looks go on where they ended, and tell a creator once: both are read from the history.
alter table content_health_checks
    add column look_id uuid,
    add column told boolean not null default false;
comment on column content_health_checks.look_id is
    'The look that it was a part of; a look that is begun again skips what it has.';
comment on column content_health_checks.told is
    'Whether the creator was written to because of it: that it fails, or plays again.';

-- No revision before this one has a writer of the table: there is nothing to wait for.
create index idx_content_health_checks_told
    on content_health_checks (video_id, checked_at desc, id desc) where told;
