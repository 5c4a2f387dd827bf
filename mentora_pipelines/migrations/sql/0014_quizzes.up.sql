-- Quizzes: what was wished for, when they changed their state and why they are stale;
-- questions of more kinds, with the history of their edits.

alter table quizzes
    add column wishes text not null default '',
    add column changed jsonb not null default '[]',
    add column approved_at timestamptz,
    add column published_at timestamptz,
    add column stale_at timestamptz,
    drop constraint quizzes_status_check,
    add constraint quizzes_status_check
        check (status in ('draft', 'approved', 'published', 'stale', 'discarded'));
comment on column quizzes.status is
    'draft, approved, published, stale (a later version lacks what a question rests on), or discarded by its creator.';
comment on column quizzes.id is
    'Follows from the transcript version, the writer, the count and the wishes.';
comment on column quizzes.wishes is
    'What was asked for beyond the count, as difficulty=hard edition=1; empty: nothing.';
comment on column quizzes.changed is
    'Why it is stale: [{question_id, quote, start_s, end_s, now}], what the lesson says there since.';
comment on column quizzes.approved_at is 'When its creator approved it.';
comment on column quizzes.published_at is 'When students could first take it.';
comment on column quizzes.stale_at is 'When its evidence was gone; NULL unless stale.';
comment on column quizzes.refused is
    'What the rules refused: [{question, faults: [{code, reason}], repaired, remaining}].';

alter table quiz_questions
    add column further_answers text[] not null default '{}',
    add column difficulty text not null default 'medium'
        check (difficulty in ('easy', 'medium', 'hard')),
    add column bloom_level text not null default 'remember'
        check (bloom_level in (
            'remember', 'understand', 'apply', 'analyze', 'evaluate', 'create')),
    add column edits integer not null default 0 check (edits >= 0),
    add column edited_at timestamptz,
    add unique (creator_id, id);
comment on column quiz_questions.kind is
    'multiple_choice, multiple_answer, true_false, fill_in or short_answer.';
comment on column quiz_questions.options is 'What can be chosen; empty where students write.';
comment on column quiz_questions.answer is 'What is right: an option, or what is to be written.';
comment on column quiz_questions.further_answers is
    'The other right options of a multiple_answer, else other spellings that count.';
comment on column quiz_questions.difficulty is 'How hard the writer says it is.';
comment on column quiz_questions.bloom_level is 'What it asks of the mind, as the writer says.';
comment on column quiz_questions.edits is 'How often a person has edited it.';
comment on column quiz_questions.edited_at is
    'When a person edited what it asks last; answers given before are to another question.';

alter table quiz_questions
    drop constraint quiz_questions_chunk_id_fkey,
    add foreign key (creator_id, chunk_id) references transcript_chunks (creator_id, id)
        on delete set null (chunk_id);
drop index idx_quiz_questions_chunk;

alter table quiz_requests
    alter column quiz_id drop not null,
    add column reason text check ((quiz_id is null) = (reason is not null)),
    add foreign key (creator_id) references creators on delete cascade;
comment on column quiz_requests.creator_id is 'The creator of the lesson.';
comment on column quiz_requests.quiz_id is 'The quiz that answers it; NULL: there is none.';
comment on column quiz_requests.reason is 'Why no quiz answers it.';

create table quiz_question_edits (
    id          uuid primary key,
    creator_id  uuid not null,
    question_id uuid not null,
    number      integer not null check (number > 0),
    before      jsonb not null,
    edited_at   timestamptz not null default now(),
    unique (question_id, number),
    foreign key (creator_id, question_id)
        references quiz_questions (creator_id, id) on delete cascade
);
create index idx_quiz_question_edits_question on quiz_question_edits (creator_id, question_id);
comment on table quiz_question_edits is 'What questions were before a person edited them.';
comment on column quiz_question_edits.id is 'Follows from the question and the number.';
comment on column quiz_question_edits.creator_id is 'The creator of the quiz.';
comment on column quiz_question_edits.question_id is 'The question.';
comment on column quiz_question_edits.number is 'Which edit of the question it was, from 1.';
comment on column quiz_question_edits.before is
    'The question as it was: {kind, prompt, options, answer, further_answers, difficulty, bloom_level}.';
comment on column quiz_question_edits.edited_at is 'When it was edited.';

alter table quiz_question_edits enable row level security, force row level security;
create policy creator on quiz_question_edits to mentora_app
    using (creator_id = current_creator_id())
    with check (creator_id = current_creator_id());
create policy platform on quiz_question_edits to mentora_admin using (true) with check (true);
grant select, insert on quiz_question_edits to mentora_app;
grant select, insert, update, delete on quiz_question_edits to mentora_admin;
