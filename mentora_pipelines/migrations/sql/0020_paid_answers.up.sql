-- What is paid for is kept until it is used, and what will be paid is set aside.

create table paid_answers (
    quiz_id      uuid not null,
    request_hash text not null check (request_hash <> ''),
    video_id     uuid not null,
    creator_id   uuid not null,
    answer       text not null,
    created_at   timestamptz not null default now(),
    primary key (quiz_id, request_hash),
    foreign key (creator_id, video_id) references videos (creator_id, id) on delete cascade
);
create index idx_paid_answers_video on paid_answers (creator_id, video_id);
comment on table paid_answers is
    'What a hosted model has answered about a quiz that is still being written.';
comment on column paid_answers.quiz_id is
    'The quiz that it is for: it names the words, the writer and the wishes.';
comment on column paid_answers.request_hash is 'SHA-256 of what the model was asked.';
comment on column paid_answers.video_id is 'The video that it is about.';
comment on column paid_answers.creator_id is 'The creator of the video.';
comment on column paid_answers.answer is 'What it answered: JSON, as the writer reads it.';
comment on column paid_answers.created_at is 'When it was answered.';

create table budget_holds (
    id         uuid primary key,
    creator_id uuid not null,
    video_id   uuid not null,
    operation  text not null check (operation <> ''),
    usd        numeric(12, 6) not null check (usd >= 0),
    minutes    double precision not null check (minutes >= 0),
    held_at    timestamptz not null default now(),
    unique (video_id, operation),
    foreign key (creator_id, video_id) references videos (creator_id, id) on delete cascade
);
create index idx_budget_holds_creator on budget_holds (creator_id, video_id);
comment on table budget_holds is
    'What is set aside of a budget for a step that takes several calls, as long as it works.';
comment on column budget_holds.id is 'Made in Python.';
comment on column budget_holds.creator_id is 'The creator who pays.';
comment on column budget_holds.video_id is 'The video that the step works on.';
comment on column budget_holds.operation is 'What for, as in ai_usage: its rows since held_at use it up.';
comment on column budget_holds.usd is 'US dollars, of calls whose price is known.';
comment on column budget_holds.minutes is 'Minutes of sound.';
comment on column budget_holds.held_at is
    'Since when; an hour after the last call of the step it counts no more.';

do $$
declare
    owned text;
begin
    foreach owned in array array['paid_answers', 'budget_holds'] loop
        execute format('alter table %I enable row level security, force row level security', owned);
        execute format(
            'create policy creator on %I to mentora_app using (creator_id = current_creator_id())'
            ' with check (creator_id = current_creator_id())', owned);
        execute format(
            'create policy platform on %I to mentora_admin using (true) with check (true)', owned);
        execute format(
            'grant select, insert, update, delete on %I to mentora_app, mentora_admin', owned);
    end loop;
end
$$;
