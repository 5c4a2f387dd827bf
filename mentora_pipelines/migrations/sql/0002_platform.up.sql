-- Students, what they do, and what they may see.

-- Foreign keys between tenants' tables carry the creator: row-level security does not
-- watch over them, so with the id alone one creator's row could hang on another's.

create table students (
    id                   uuid primary key,
    creator_id           uuid not null references creators on delete cascade,
    email                text not null check (email <> ''),
    display_name         text,
    onboarding_completed boolean not null default false,
    last_active          timestamptz,
    xp                   integer not null default 0 check (xp >= 0),
    created_at           timestamptz not null default now(),
    updated_at           timestamptz not null default now(),
    version              integer not null default 1,
    unique (creator_id, id)
);
create unique index idx_students_email on students (creator_id, lower(email));
create index idx_students_creator on students (creator_id, created_at desc, id desc);
create index idx_students_creator_active on students (creator_id, last_active desc)
    where onboarding_completed = true;
comment on table students is
    'People who learn from a creator; one who learns from two creators is two rows.';
comment on column students.id is 'Made in Python or by the web application.';
comment on column students.creator_id is 'The creator whose student this is.';
comment on column students.email is 'Mail address, unique per creator whatever its case.';
comment on column students.display_name is 'Name to greet with, if the student gave one.';
comment on column students.onboarding_completed is 'Whether the introduction was finished.';
comment on column students.last_active is 'When the student last did anything; NULL: never.';
comment on column students.xp is 'Experience points, the sum of all rewards.';
comment on column students.created_at is 'When the student joined.';
comment on column students.updated_at is 'When the row last changed; kept by a trigger.';
comment on column students.version is 'Counts the changes, for optimistic locking.';

create table memberships (
    id          uuid primary key,
    creator_id  uuid not null references creators on delete cascade,
    user_id     text not null check (user_id <> ''),
    product_id  text not null check (product_id <> ''),
    student_id  uuid,
    external_id text,
    -- Not a closed list: a status that Whop invents must be stored, and denies access.
    status      text not null check (status <> ''),
    valid_until timestamptz,
    closed_at   timestamptz,
    synced_at   timestamptz not null,
    created_at  timestamptz not null default now(),
    updated_at  timestamptz not null default now(),
    version     integer not null default 1,
    unique (creator_id, user_id, product_id),
    foreign key (creator_id, student_id) references students (creator_id, id)
        on delete set null (student_id)
);
create index idx_memberships_creator on memberships (creator_id, created_at desc, id desc);
create index idx_memberships_student on memberships (student_id);
create index idx_memberships_open on memberships (creator_id, synced_at)
    where closed_at is null;
comment on table memberships is
    'What a user bought from a creator, as Whop says; ended ones are closed, not deleted.';
comment on column memberships.id is 'Made in Python.';
comment on column memberships.creator_id is 'The creator who sells the product.';
comment on column memberships.user_id is 'The user''s id at Whop.';
comment on column memberships.product_id is 'The product''s id at Whop.';
comment on column memberships.student_id is 'The student who is that user, once known.';
comment on column memberships.external_id is 'The membership''s id at Whop.';
comment on column memberships.status is
    'Whop''s word for it; a word that we do not know gives no access.';
comment on column memberships.valid_until is 'End of the paid time; NULL: no end is known.';
comment on column memberships.closed_at is 'When a sync found it gone; NULL while it exists.';
comment on column memberships.synced_at is 'When Whop last confirmed what this row says.';
comment on column memberships.created_at is 'When we first heard of it.';
comment on column memberships.updated_at is 'When the row last changed; kept by a trigger.';
comment on column memberships.version is 'Counts the changes, for optimistic locking.';

create table chat_sessions (
    id         uuid primary key,
    creator_id uuid not null,
    student_id uuid not null,
    video_id   uuid,
    title      text,
    created_at timestamptz not null default now(),
    ended_at   timestamptz,
    updated_at timestamptz not null default now(),
    version    integer not null default 1,
    unique (creator_id, id),
    foreign key (creator_id, student_id) references students (creator_id, id) on delete cascade,
    foreign key (creator_id, video_id) references videos (creator_id, id)
        on delete set null (video_id)
);
create index idx_chat_sessions_student on chat_sessions (student_id, created_at desc);
create index idx_chat_sessions_creator on chat_sessions (creator_id, created_at desc, id desc);
create index idx_chat_sessions_video on chat_sessions (video_id);
comment on table chat_sessions is 'A student''s conversations with the assistant.';
comment on column chat_sessions.id is 'Made by the web application.';
comment on column chat_sessions.creator_id is 'The creator of the student.';
comment on column chat_sessions.student_id is 'Who asks.';
comment on column chat_sessions.video_id is 'The lesson that it is about; NULL: about any.';
comment on column chat_sessions.title is 'Heading in the list of conversations, if it has one.';
comment on column chat_sessions.created_at is 'When it began.';
comment on column chat_sessions.ended_at is 'When it ended; NULL while it is open.';
comment on column chat_sessions.updated_at is 'When the row last changed; kept by a trigger.';
comment on column chat_sessions.version is 'Counts the changes, for optimistic locking.';

create table chat_messages (
    id         uuid primary key,
    creator_id uuid not null,
    session_id uuid not null,
    role       text not null check (role in ('user', 'assistant', 'system')),
    content    text not null,
    citations  jsonb not null default '[]',
    created_at timestamptz not null default now(),
    foreign key (creator_id, session_id) references chat_sessions (creator_id, id)
        on delete cascade
);
create index idx_chat_messages_session on chat_messages (session_id, created_at asc);
create index idx_chat_messages_creator on chat_messages (creator_id, created_at desc, id desc);
comment on table chat_messages is 'What was said in a conversation; a message never changes.';
comment on column chat_messages.id is 'Made by the web application.';
comment on column chat_messages.creator_id is 'The creator of the conversation.';
comment on column chat_messages.session_id is 'The conversation.';
comment on column chat_messages.role is 'Who speaks: user (the student), assistant or system.';
comment on column chat_messages.content is 'The words.';
comment on column chat_messages.citations is
    'What an answer rests on: [{videoId, start, end, text}], times in seconds.';
comment on column chat_messages.created_at is 'When it was said; orders the conversation.';

create table video_progress (
    id           uuid primary key,
    creator_id   uuid not null,
    student_id   uuid not null,
    video_id     uuid not null,
    position_s   double precision not null default 0 check (position_s >= 0),
    watched_s    double precision not null default 0 check (watched_s >= 0),
    completed_at timestamptz,
    last_watched timestamptz not null default now(),
    created_at   timestamptz not null default now(),
    updated_at   timestamptz not null default now(),
    version      integer not null default 1,
    unique (student_id, video_id),
    foreign key (creator_id, student_id) references students (creator_id, id) on delete cascade,
    foreign key (creator_id, video_id) references videos (creator_id, id) on delete cascade
);
create index idx_video_progress_student on video_progress (student_id, last_watched desc);
create index idx_video_progress_video on video_progress (video_id);
create index idx_video_progress_creator on video_progress (creator_id, last_watched desc, id desc);
comment on table video_progress is 'How far a student got in a lesson; one row for each pair.';
comment on column video_progress.id is 'Made by the web application.';
comment on column video_progress.creator_id is 'The creator of both.';
comment on column video_progress.student_id is 'Who watches.';
comment on column video_progress.video_id is 'What is watched.';
comment on column video_progress.position_s is 'Where the player stands, in seconds.';
comment on column video_progress.watched_s is 'Seconds watched so far, repeats included.';
comment on column video_progress.completed_at is 'When it was first watched to the end, or NULL.';
comment on column video_progress.last_watched is 'When it was last watched.';
comment on column video_progress.created_at is 'When it was first started.';
comment on column video_progress.updated_at is 'When the row last changed; kept by a trigger.';
comment on column video_progress.version is 'Counts the changes, for optimistic locking.';

create table quiz_attempts (
    id         uuid primary key,
    creator_id uuid not null,
    student_id uuid not null,
    quiz_id    uuid not null,
    answers    jsonb not null,
    score      double precision not null check (score >= 0),
    max_score  double precision not null check (max_score > 0),
    passed     boolean not null,
    created_at timestamptz not null default now(),
    check (score <= max_score),
    foreign key (creator_id, student_id) references students (creator_id, id) on delete cascade,
    foreign key (creator_id, quiz_id) references quizzes (creator_id, id) on delete cascade
);
create index idx_quiz_attempts_student on quiz_attempts (student_id, created_at desc);
create index idx_quiz_attempts_quiz on quiz_attempts (quiz_id, created_at desc);
create index idx_quiz_attempts_creator on quiz_attempts (creator_id, created_at desc, id desc);
comment on table quiz_attempts is 'Every time a student took a quiz; an attempt never changes.';
comment on column quiz_attempts.id is 'Made by the web application.';
comment on column quiz_attempts.creator_id is 'The creator of both.';
comment on column quiz_attempts.student_id is 'Who answered.';
comment on column quiz_attempts.quiz_id is 'The quiz.';
comment on column quiz_attempts.answers is 'The given answers: {question id: answer}.';
comment on column quiz_attempts.score is 'Points reached.';
comment on column quiz_attempts.max_score is 'Points that could be reached.';
comment on column quiz_attempts.passed is 'Whether that was enough when it was taken.';
comment on column quiz_attempts.created_at is 'When it was handed in.';

create table project_submissions (
    id             uuid primary key,
    creator_id     uuid not null,
    student_id     uuid not null,
    video_id       uuid,
    title          text not null check (title <> ''),
    submission_url text not null check (submission_url <> ''),
    status         text not null default 'submitted' check (status <> ''),
    feedback       text,
    submitted_at   timestamptz not null default now(),
    updated_at     timestamptz not null default now(),
    version        integer not null default 1,
    foreign key (creator_id, student_id) references students (creator_id, id) on delete cascade,
    foreign key (creator_id, video_id) references videos (creator_id, id)
        on delete set null (video_id)
);
create index idx_project_submissions_student
    on project_submissions (student_id, submitted_at desc);
create index idx_project_submissions_video on project_submissions (video_id);
create index idx_project_submissions_creator
    on project_submissions (creator_id, submitted_at desc, id desc);
comment on table project_submissions is 'Work that students hand in: their portfolio.';
comment on column project_submissions.id is 'Made by the web application.';
comment on column project_submissions.creator_id is 'The creator of the student.';
comment on column project_submissions.student_id is 'Whose work it is.';
comment on column project_submissions.video_id is 'The lesson that set the task; NULL: none.';
comment on column project_submissions.title is 'Name of the work.';
comment on column project_submissions.submission_url is 'Where the work is.';
comment on column project_submissions.status is
    'State of the review; the web application owns the words, the first is submitted.';
comment on column project_submissions.feedback is 'What the creator wrote about it.';
comment on column project_submissions.submitted_at is 'When it was handed in.';
comment on column project_submissions.updated_at is 'When the row last changed; kept by a trigger.';
comment on column project_submissions.version is
    'Counts the changes, for optimistic locking.';

create table achievements (
    id          uuid primary key,
    creator_id  uuid not null references creators on delete cascade,
    code        text not null check (code <> ''),
    title       text not null check (title <> ''),
    description text not null,
    xp          integer not null check (xp >= 0),
    created_at  timestamptz not null default now(),
    updated_at  timestamptz not null default now(),
    version     integer not null default 1,
    unique (creator_id, code),
    unique (creator_id, id)
);
create index idx_achievements_creator on achievements (creator_id, created_at desc, id desc);
comment on table achievements is 'What a creator''s students can be rewarded for.';
comment on column achievements.id is 'Made in Python or by the web application.';
comment on column achievements.creator_id is 'The creator who awards it.';
comment on column achievements.code is 'Short name that programs use, unique per creator.';
comment on column achievements.title is 'Name that students see.';
comment on column achievements.description is 'What must be done for it.';
comment on column achievements.xp is 'Experience points that it is worth today.';
comment on column achievements.created_at is 'When it was set up.';
comment on column achievements.updated_at is 'When the row last changed; kept by a trigger.';
comment on column achievements.version is 'Counts the changes, for optimistic locking.';

create table student_achievements (
    id             uuid primary key,
    creator_id     uuid not null,
    student_id     uuid not null,
    achievement_id uuid not null,
    xp_earned      integer not null check (xp_earned >= 0),
    unlocked_at    timestamptz not null default now(),
    unique (student_id, achievement_id),
    foreign key (creator_id, student_id) references students (creator_id, id) on delete cascade,
    foreign key (creator_id, achievement_id) references achievements (creator_id, id)
        on delete cascade
);
create index idx_student_achievements_student
    on student_achievements (student_id, unlocked_at desc);
create index idx_student_achievements_achievement on student_achievements (achievement_id);
create index idx_student_achievements_creator
    on student_achievements (creator_id, unlocked_at desc, id desc);
comment on table student_achievements is
    'Who unlocked what. The unique pair is what makes a reward happen once.';
comment on column student_achievements.id is 'Made in Python.';
comment on column student_achievements.creator_id is 'The creator of both.';
comment on column student_achievements.student_id is 'Who was rewarded.';
comment on column student_achievements.achievement_id is 'For what.';
comment on column student_achievements.xp_earned is 'Experience points that were given then.';
comment on column student_achievements.unlocked_at is 'When.';

create trigger touch before update on students for each row execute function touch_row();
create trigger touch before update on memberships for each row execute function touch_row();
create trigger touch before update on chat_sessions for each row execute function touch_row();
create trigger touch before update on video_progress for each row execute function touch_row();
create trigger touch before update on project_submissions
    for each row execute function touch_row();
create trigger touch before update on achievements for each row execute function touch_row();

-- Tenancy as in 0001. The last column is what the app role may do; memberships are closed
-- and never deleted, and what was said, answered or won is not rewritten.
do $$
declare
    tenant record;
begin
    for tenant in
        select * from (values
            ('students', 'select, insert, update, delete'),
            ('memberships', 'select, insert, update'),
            ('chat_sessions', 'select, insert, update, delete'),
            ('chat_messages', 'select, insert, delete'),
            ('video_progress', 'select, insert, update, delete'),
            ('quiz_attempts', 'select, insert, delete'),
            ('project_submissions', 'select, insert, update, delete'),
            ('achievements', 'select, insert, update, delete'),
            ('student_achievements', 'select, insert, delete')
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
