drop table student_achievements, achievements, project_submissions, quiz_attempts,
    video_progress, chat_messages, chat_sessions, memberships, students;
drop index idx_videos_creator, idx_videos_created_at, idx_quizzes_creator;
