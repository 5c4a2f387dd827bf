-- Generations that are built beside the active one, measured and swapped.

alter table embedding_generations
    add column golden_mrr double precision check (golden_mrr between 0 and 1),
    add column activated_at timestamptz,
    add column retired_at timestamptz;
update embedding_generations set activated_at = created_at where status = 'active';
comment on column embedding_generations.recall is
    'Recall@10 of its index against comparing every vector, when last measured.';
comment on column embedding_generations.golden_mrr is
    'Mean reciprocal rank over the golden set, when last measured.';
comment on column embedding_generations.activated_at is
    'When it was searched first, or again; NULL: never.';
comment on column embedding_generations.retired_at is
    'When another one took its place; NULL: not yet, or it is searched again.';

create function search_recall(generation uuid, questions integer default 100)
    returns double precision
    language plpgsql as
$$
declare
    length integer;
    question vector;
    true_distances float8[];
    found_distances float8[];
    wanted bigint := 0;
    found bigint := 0;
begin
    select dimensions into length from embedding_generations where id = generation;
    perform
        set_config('hnsw.ef_search', '100', true),
        set_config('hnsw.iterative_scan', 'relaxed_order', true);
    -- Chunks as questions, the same ones each time.
    for question in
        select embedding from chunk_embeddings
        where generation_id = generation
        order by md5(text_hash || video_id::text)
        limit questions
    loop
        execute 'select array_agg(distance order by distance) from ('
            || search_statement('platform_exact', generation, length) || ') as near'
        into true_distances
        using question, null::uuid, 10;
        -- As many as a search by meaning for ten looks at; the ten best of them count.
        execute 'select array_agg(distance) from (select distance from ('
            || search_statement('platform_index', generation, length)
            || ') as near order by distance limit 10) as best'
        into found_distances
        using question, null::uuid, 30;
        wanted := wanted + coalesce(cardinality(true_distances), 0);
        -- By distance: of two chunks that say the same either will do.
        found := found + (
            select count(*) from unnest(found_distances) as distance
            where distance <= true_distances[cardinality(true_distances)] + 1e-9);
    end loop;
    return least(1, found::float8 / nullif(wanted, 0));
end
$$;
comment on function search_recall(uuid, integer) is
    'Recall@10 of the platform''s search by index against comparing every vector.';
revoke execute on function search_recall(uuid, integer) from public;
grant execute on function search_recall(uuid, integer) to mentora_admin;
