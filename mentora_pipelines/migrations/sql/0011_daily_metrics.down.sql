-- Refused while months are put away there: they must not be lost on the way back.
drop schema analytics_archive;
drop function
    archive_analytics_partitions(date),
    roll_up_daily_metrics(date, date, text, uuid),
    aggregate_daily_metrics(date),
    active_students(timestamptz, timestamptz),
    sum_facts(timestamptz, timestamptz);
alter table daily_metrics
    drop column events,
    drop column malformed_events,
    drop column newest_event_at,
    drop column active_student_ids;
drop trigger record_facts on videos;
drop function
    record_video_facts(),
    fact_id(text, text);
comment on column daily_metrics.active_students is 'Students who did anything.';
comment on column daily_metrics.sessions is 'Visits of students.';
comment on column daily_metrics.watch_minutes is 'Minutes of lessons watched.';
comment on column daily_metrics.lessons_started is 'Lessons that a student began.';
comment on column daily_metrics.lessons_completed is 'Lessons that a student finished.';
comment on column daily_metrics.quiz_attempts is 'Quizzes handed in.';
comment on column daily_metrics.quiz_average_score is
    'Mean share of the points, 0 to 1; NULL without an attempt.';
comment on column daily_metrics.quiz_pass_rate is
    'Share of the attempts that passed, 0 to 1; NULL without an attempt.';
comment on column daily_metrics.chat_messages is 'Messages written by students.';
comment on column daily_metrics.achievements is 'Achievements unlocked.';
comment on column daily_metrics.new_students is 'Students who joined.';
comment on column daily_metrics.processing_minutes is 'Minutes of video processed.';
comment on column daily_metrics.processing_failures is 'Videos whose processing failed.';
comment on column daily_metrics.ai_cost_usd is 'Known cost of providers, in US dollars.';
comment on column analytics_events.event_name is 'What happened, as lesson_started.';
comment on column analytics_events.properties is 'What else is known about it.';
