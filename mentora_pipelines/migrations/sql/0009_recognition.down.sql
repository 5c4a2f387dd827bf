drop table recognised_windows;
comment on column transcripts.segments is
    '[{text, start, end, words: [[word, start, end, probability]]}], times in seconds.';
