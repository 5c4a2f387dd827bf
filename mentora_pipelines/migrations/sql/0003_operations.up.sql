-- What the pipeline keeps about its own work: which events are handled, who holds a video,
-- mail to send, health of lessons, what providers cost.

-- Events that wait from before are pending like new ones: their effects are idempotent.
alter table events
    add column status text not null default 'pending'
        check (status in ('pending', 'done', 'dead')),
    add column attempts integer not null default 0 check (attempts >= 0),
    add column next_attempt_at timestamptz not null default now(),
    add column handled_at timestamptz,
    add column dead_reason text,
    add check ((status = 'pending') = (handled_at is null)),
    add check ((status = 'dead') = (dead_reason is not null));
comment on column events.status is
    'pending, done, or dead: given up for dead_reason until somebody replays it.';
comment on column events.attempts is 'How often a consumer tried.';
comment on column events.next_attempt_at is 'When it is due, for one that is pending.';
comment on column events.handled_at is 'When it was done or given up; NULL while pending.';
comment on column events.dead_reason is 'Why it was given up; never the text of an exception.';

-- The app role writes events. What becomes of them is the consumer's, the admin role's.
revoke update, delete on events from mentora_app;

create table leases (
    video_id      uuid primary key,
    creator_id    uuid not null,
    owner         text not null check (owner <> ''),
    until         timestamptz not null,
    fencing_token bigint not null check (fencing_token > 0),
    acquired_at   timestamptz not null default now(),
    foreign key (creator_id, video_id) references videos (creator_id, id) on delete cascade
);
create index idx_leases_until on leases (until, video_id);
create index idx_leases_creator on leases (creator_id, acquired_at desc, video_id);
comment on table leases is
    'One run at a time works on a video. A row outlives its lease, so that tokens only grow.';
comment on column leases.video_id is 'The video that is worked on.';
comment on column leases.creator_id is 'The creator of the video.';
comment on column leases.owner is 'Who works on it: the id of the run.';
comment on column leases.until is 'Till when, unless renewed; in the past: free.';
comment on column leases.fencing_token is
    'Grows with each new owner; a write with a smaller one comes too late.';
comment on column leases.acquired_at is 'When this owner took it.';

create table email_outbox (
    id                  uuid primary key,
    creator_id          uuid references creators on delete cascade,
    template            text not null check (template <> ''),
    subject_id          text not null check (subject_id <> ''),
    recipient           text not null check (recipient <> ''),
    variables           jsonb not null default '{}',
    payload_fingerprint text not null check (payload_fingerprint <> ''),
    message_id          text not null unique,
    status              text not null default 'pending'
        check (status in ('pending', 'sent', 'failed')),
    attempts            integer not null default 0 check (attempts >= 0),
    next_attempt_at     timestamptz not null default now(),
    sent_at             timestamptz,
    error_code          text,
    created_at          timestamptz not null default now(),
    unique (template, subject_id, payload_fingerprint),
    check ((status = 'sent') = (sent_at is not null)),
    check (status <> 'failed' or error_code is not null)
);
create index idx_email_outbox_pending on email_outbox (next_attempt_at, id)
    where status = 'pending';
create index idx_email_outbox_creator on email_outbox (creator_id, created_at desc, id desc);
comment on table email_outbox is
    'Mail to send, written in the transaction of its cause; the same mail is one row.';
comment on column email_outbox.id is 'Made in Python.';
comment on column email_outbox.creator_id is
    'The creator whom it concerns; NULL: the platform''s own, which no creator sees.';
comment on column email_outbox.template is 'Name of the template, as video-processing-failed.';
comment on column email_outbox.subject_id is 'What it is about, as the id of a video.';
comment on column email_outbox.recipient is 'Mail address that it goes to.';
comment on column email_outbox.variables is 'What the template is filled with.';
comment on column email_outbox.payload_fingerprint is
    'Hash of what makes this mail differ from another about the same subject.';
comment on column email_outbox.message_id is
    'Message-ID, the same at every attempt, so that a server recognises a repeat.';
comment on column email_outbox.status is 'pending, sent, or failed (refused for good).';
comment on column email_outbox.attempts is 'How often delivery was tried.';
comment on column email_outbox.next_attempt_at is 'When it is due, for one that is pending.';
comment on column email_outbox.sent_at is 'When the mail server took it.';
comment on column email_outbox.error_code is 'Why the last attempt failed; no server''s text.';
comment on column email_outbox.created_at is 'When it was written.';

create table content_health_checks (
    id          uuid primary key,
    creator_id  uuid not null,
    video_id    uuid not null,
    checked_at  timestamptz not null default now(),
    outcome     text not null check (
        outcome in ('ok', 'gone', 'forbidden', 'expired', 'timeout', 'blocked', 'ours')),
    http_status integer check (http_status between 100 and 599),
    latency_ms  double precision check (latency_ms >= 0),
    detail      text,
    foreign key (creator_id, video_id) references videos (creator_id, id) on delete cascade
);
create index idx_content_health_checks_video
    on content_health_checks (video_id, checked_at desc, id desc);
create index idx_content_health_checks_creator
    on content_health_checks (creator_id, checked_at desc, id desc);
comment on table content_health_checks is 'Every probe of a lesson''s video: can it be played?';
comment on column content_health_checks.id is 'Made in Python.';
comment on column content_health_checks.creator_id is 'The creator of the video.';
comment on column content_health_checks.video_id is 'The video that was probed.';
comment on column content_health_checks.checked_at is 'When.';
comment on column content_health_checks.outcome is
    'ok, gone, forbidden, expired, timeout; blocked (we must not ask there) or ours (our network).';
comment on column content_health_checks.http_status is 'The last answer''s status, if one came.';
comment on column content_health_checks.latency_ms is 'Milliseconds to that answer.';
comment on column content_health_checks.detail is 'More for an engineer, without secrets.';

create table ai_usage (
    id            uuid primary key,
    creator_id    uuid references creators on delete cascade,
    video_id      uuid,
    provider      text not null check (provider <> ''),
    model         text not null check (model <> ''),
    operation     text not null check (operation <> ''),
    input_units   double precision not null default 0 check (input_units >= 0),
    output_units  double precision not null default 0 check (output_units >= 0),
    unit          text not null check (unit <> ''),
    cost_usd      numeric(12, 6) check (cost_usd >= 0),
    price_version text,
    status        text not null default 'reserved'
        check (status in ('reserved', 'settled', 'failed')),
    created_at    timestamptz not null default now(),
    settled_at    timestamptz,
    check ((status = 'reserved') = (settled_at is null)),
    check (cost_usd is null or price_version is not null),
    -- With a NULL in it the foreign key below would check nothing.
    check (video_id is null or creator_id is not null),
    foreign key (creator_id, video_id) references videos (creator_id, id)
        on delete set null (video_id)
);
create index idx_ai_usage_creator on ai_usage (creator_id, created_at desc, id desc);
create index idx_ai_usage_video on ai_usage (video_id, created_at desc);
create index idx_ai_usage_created_at on ai_usage (created_at, id);
create index idx_ai_usage_reserved on ai_usage (created_at) where status = 'reserved';
comment on table ai_usage is
    'The cost ledger: a row per call to a provider, reserved before it and settled after it.';
comment on column ai_usage.id is 'Made in Python.';
comment on column ai_usage.creator_id is
    'The creator who pays; NULL: the platform''s own call, which no creator sees.';
comment on column ai_usage.video_id is 'The video it was for; the cost outlives the video.';
comment on column ai_usage.provider is 'Who was asked, as openai.';
comment on column ai_usage.model is 'The model that was asked.';
comment on column ai_usage.operation is 'What for: transcription, embedding, quiz.';
comment on column ai_usage.input_units is 'What went in; an estimate until it is settled.';
comment on column ai_usage.output_units is 'What came out; an upper bound until it is settled.';
comment on column ai_usage.unit is 'What is counted: tokens or seconds.';
comment on column ai_usage.cost_usd is 'Cost in US dollars; NULL: the price is not known.';
comment on column ai_usage.price_version is 'The table of prices that the cost was taken from.';
comment on column ai_usage.status is
    'reserved (no answer yet, or a crash), settled, or failed (refused; it may still cost).';
comment on column ai_usage.created_at is 'When it was reserved.';
comment on column ai_usage.settled_at is 'When the answer or the refusal was booked.';

create table budgets (
    creator_id    uuid primary key references creators on delete cascade,
    limit_usd     numeric(12, 6) check (limit_usd >= 0),
    limit_minutes double precision check (limit_minutes >= 0),
    created_at    timestamptz not null default now(),
    updated_at    timestamptz not null default now(),
    version       integer not null default 1
);
comment on table budgets is
    'What a creator may use up in each calendar month (UTC); no row: no limit.';
comment on column budgets.creator_id is 'The creator.';
comment on column budgets.limit_usd is 'US dollars a month; NULL: no limit.';
comment on column budgets.limit_minutes is 'Minutes of video a month; NULL: no limit.';
comment on column budgets.created_at is 'When the limit was set first.';
comment on column budgets.updated_at is 'When the row last changed; kept by a trigger.';
comment on column budgets.version is 'Counts the changes, for optimistic locking.';

create trigger touch before update on budgets for each row execute function touch_row();

-- Tenancy as in 0001. A run works as the app role, so that role takes leases, books its
-- calls and writes mail to be sent. It deletes none of them (a fencing token would start
-- again), sends no mail, probes nothing and sets no limit of its own.
do $$
declare
    tenant record;
begin
    for tenant in
        select * from (values
            ('leases', 'select, insert, update'),
            ('email_outbox', 'select, insert'),
            ('content_health_checks', 'select'),
            ('ai_usage', 'select, insert, update'),
            ('budgets', 'select')
        ) as tenants (name, rights)
    loop
        execute format(
            'alter table %I enable row level security, force row level security', tenant.name);
        execute format(
            'create policy creator on %I to mentora_app
                 using (creator_id = current_creator_id())
                 with check (creator_id = current_creator_id())', tenant.name);
        execute format(
            'create policy platform on %I to mentora_admin using (true) with check (true)',
            tenant.name);
        execute format('grant %s on %I to mentora_app', tenant.rights, tenant.name);
        execute format(
            'grant select, insert, update, delete on %I to mentora_admin', tenant.name);
    end loop;
end
$$;
