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
drop trigger record_facts on student_achievements;
drop trigger record_facts on chat_messages;
drop trigger record_facts on quiz_attempts;
drop trigger record_facts_of_update on video_progress;
drop trigger record_facts_of_insert on video_progress;
drop trigger record_facts on students;
drop function
    record_video_facts(),
    record_achievement_facts(),
    record_chat_facts(),
    record_quiz_facts(),
    record_progress_facts(),
    record_student_facts(),
    fact_id(text, text);
