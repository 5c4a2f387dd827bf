drop function search_recall(uuid, integer);
alter table embedding_generations
    drop column retired_at,
    drop column golden_mrr;
comment on column embedding_generations.recall is
    'Share of the true nearest chunks that its index finds, 0 to 1; NULL: not measured.';
