drop table platform_health_checks, stage_timings;
delete from email_outbox where template = 'platform-health';
comment on column analytics_events.event_name is
    'What happened: session_started, lesson_started, lesson_watched, lesson_completed, '
    'quiz_attempted, chat_message_sent, achievement_unlocked, student_joined, video_processed '
    'and video_failed are counted by aggregate_daily_metrics; any other name is kept.';
