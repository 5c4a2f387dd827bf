drop table quiz_question_edits;
delete from quiz_requests where quiz_id is null;
alter table quiz_requests
    drop constraint quiz_requests_creator_id_fkey,
    drop column reason,
    alter column quiz_id set not null;
comment on column quiz_requests.creator_id is 'The creator of the quiz.';
comment on column quiz_requests.quiz_id is 'The quiz that answers it.';
create index idx_quiz_questions_chunk on quiz_questions (chunk_id);
alter table quiz_questions
    drop constraint quiz_questions_creator_id_chunk_id_fkey,
    drop constraint quiz_questions_creator_id_id_key,
    add constraint quiz_questions_chunk_id_fkey
        foreign key (chunk_id) references transcript_chunks on delete set null,
    drop column further_answers,
    drop column difficulty,
    drop column bloom_level,
    drop column edits,
    drop column edited_at;
drop index idx_quiz_questions_creator_chunk;
drop index transcript_chunks_creator_id_id_key;
comment on column quiz_questions.kind is 'What sort of question it is, as cloze.';
comment on column quiz_questions.options is 'What can be chosen.';
comment on column quiz_questions.answer is 'The right one of the options.';
-- Nobody is shown a stale one either.
update quizzes set status = 'stale' where status = 'discarded';
alter table quizzes
    drop constraint quizzes_status_check,
    add constraint quizzes_status_check
        check (status in ('draft', 'approved', 'published', 'stale')),
    drop column wishes,
    drop column changed,
    drop column approved_at,
    drop column published_at,
    drop column stale_at;
comment on column quizzes.id is 'Follows from the transcript version, the writer and the count.';
comment on column quizzes.refused is 'What the writer proposed and the rules refused: [{prompt, reason}].';
comment on column quizzes.status is
    'draft, approved, published, or stale: a later version lacks what a question rests on.';
