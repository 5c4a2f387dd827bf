-- Generations that are built beside the active one, measured and swapped.

alter table embedding_generations
    add column golden_mrr double precision check (golden_mrr between 0 and 1),
    add column retired_at timestamptz;
comment on column embedding_generations.recall is
    'Recall@10 of its index against comparing every vector, when last measured.';
comment on column embedding_generations.golden_mrr is
    'Mean reciprocal rank over the golden set, when last measured.';
comment on column embedding_generations.retired_at is
    'When another one took its place; NULL: not yet, or it is searched again.';

create function search_recall(generation uuid, questions integer default 100)
    returns double precision
    language plpgsql as
$$
declare
    chosen record;
    question vector;
    true_distances float8[];
    found_distances float8[];
    wanted bigint := 0;
    found bigint := 0;
begin
    -- Chunks as questions, the same ones each time.
    for question in
        select embedding from chunk_embeddings
        where generation_id = generation
        order by md5(text_hash || video_id::text)
        limit questions
    loop
        select * into chosen from search_plan(question, generation_id => search_recall.generation);
        select array_agg(near.distance order by near.distance) into true_distances
        from nearest_vectors(
            'platform_exact', chosen.generation, chosen.dimensions, null, question, null, 10) as near;
        -- As many as a search by meaning for ten looks at; the ten best of them count.
        select array_agg(best.distance) into found_distances
        from (
            select near.distance
            from nearest_vectors(
                'platform_index', chosen.generation, chosen.dimensions, chosen.candidates,
                question, null, 30) as near
            order by near.distance limit 10
        ) as best;
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
