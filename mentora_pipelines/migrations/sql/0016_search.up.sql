-- Search: words in the language that is spoken, a creator's vectors by index, the choice of
-- the plan by scope, and the one function that finds moments for everybody.

comment on index idx_transcript_chunks_words is 'For full-text search.';
comment on index idx_transcripts_language is 'Which languages are spoken, by skipping from one to the next.';

create function search_configuration(language text) returns regconfig
    language sql immutable parallel safe
    return case split_part(lower(language), '-', 1)
        when 'ar' then 'pg_catalog.arabic'::regconfig
        when 'ca' then 'pg_catalog.catalan'::regconfig
        when 'da' then 'pg_catalog.danish'::regconfig
        when 'de' then 'pg_catalog.german'::regconfig
        when 'el' then 'pg_catalog.greek'::regconfig
        when 'en' then 'pg_catalog.english'::regconfig
        when 'es' then 'pg_catalog.spanish'::regconfig
        when 'eu' then 'pg_catalog.basque'::regconfig
        when 'fi' then 'pg_catalog.finnish'::regconfig
        when 'fr' then 'pg_catalog.french'::regconfig
        when 'ga' then 'pg_catalog.irish'::regconfig
        when 'hi' then 'pg_catalog.hindi'::regconfig
        when 'hu' then 'pg_catalog.hungarian'::regconfig
        when 'hy' then 'pg_catalog.armenian'::regconfig
        when 'id' then 'pg_catalog.indonesian'::regconfig
        when 'it' then 'pg_catalog.italian'::regconfig
        when 'lt' then 'pg_catalog.lithuanian'::regconfig
        when 'ne' then 'pg_catalog.nepali'::regconfig
        when 'nl' then 'pg_catalog.dutch'::regconfig
        when 'no' then 'pg_catalog.norwegian'::regconfig
        when 'pt' then 'pg_catalog.portuguese'::regconfig
        when 'ro' then 'pg_catalog.romanian'::regconfig
        when 'ru' then 'pg_catalog.russian'::regconfig
        when 'sr' then 'pg_catalog.serbian'::regconfig
        when 'sv' then 'pg_catalog.swedish'::regconfig
        when 'ta' then 'pg_catalog.tamil'::regconfig
        when 'tr' then 'pg_catalog.turkish'::regconfig
        when 'yi' then 'pg_catalog.yiddish'::regconfig
        else 'pg_catalog.simple'::regconfig
    end;
comment on function search_configuration(text) is
    'How PostgreSQL reads the words of a language (ISO 639-1); simple, as they stand, where it has no rules.';

-- What was stored before is read anew in its language.
update transcript_chunks as chunk
set tsv = to_tsvector(search_configuration(transcript.language), chunk.chunk_text)
from transcripts as transcript
where transcript.id = chunk.transcript_id;
comment on column transcript_chunks.tsv is
    'The words as full-text search wants them, read in the language of the transcript.';

create function search_terms(configuration regconfig, words text) returns tsquery[]
    language sql immutable parallel safe
    return array(
        select ('''' || replace(replace(word, '\', '\\'), '''', '''''') || '''')::tsquery
        from unnest(tsvector_to_array(to_tsvector(configuration, words))) as word
        order by word
        limit 32
    );
comment on function search_terms(regconfig, text) is
    'Each word of a question that means something, as a query of its own; at most 32.';

create function any_of(terms tsquery[], at_least_two boolean) returns tsquery
    language plpgsql immutable parallel safe as
$$
declare
    found tsquery;
    later tsquery;
begin
    -- From the last to the first: this one, or with two wanted this one and a later one.
    for place in reverse coalesce(cardinality(terms), 0) .. 1 loop
        if not at_least_two then
            found := coalesce(found || terms[place], terms[place]);
        elsif later is not null then
            found := coalesce(found || (terms[place] && later), terms[place] && later);
        end if;
        later := coalesce(later || terms[place], terms[place]);
    end loop;
    return found;
end
$$;
comment on function any_of(tsquery[], boolean) is 'Texts that hold one of the terms, or two of them.';

alter table embedding_generations add column activated_at timestamptz;
update embedding_generations set activated_at = created_at where status = 'active';
comment on column embedding_generations.activated_at is
    'When it was searched first, or again; NULL: never, or its vectors are being dropped.';

create function search_candidates(vectors double precision) returns integer
    language sql immutable parallel safe
    return least(1000, greatest(100, 100 * (vectors / 100000) ^ 0.4))::integer;
comment on function search_candidates(double precision) is
    'hnsw.ef_search, the candidates that an index of so many vectors keeps while it is walked: '
    'as measured by benchmarks/vector_search.py for 98 % of the nearest ten.';

create function search_plan(
    query_embedding vector,
    video_id uuid default null,
    creator_id uuid default null,
    generation_id uuid default null
) returns table (
    plan text,
    reason text,
    generation uuid,
    dimensions integer,
    rows_in_scope bigint,
    rows_in_all bigint,
    candidates integer
)
    language plpgsql stable parallel safe as
$$
#variable_conflict use_column
declare
    -- Microseconds, measured by benchmarks/vector_search.py: a vector of 384 dimensions
    -- read and compared; a search of the index; and, where a filter keeps one vector in s,
    -- s times the last, since the index is walked so much further.
    exact_row_us float8 := 1;
    index_us constant float8 := 1500;
    index_walk_us constant float8 := 400;
    compared bigint;
    partition regclass;
    indexed boolean;
    models bigint;
    scope uuid := search_plan.creator_id;
begin
    -- The caller's model; without its name the one that makes such vectors, so that a
    -- caller who still has the model of before finds what that one knows.
    select candidate.id, candidate.dimensions, count(*) over () into generation, dimensions, models
    from embedding_generations as candidate
    where case
        when search_plan.generation_id is null then
            candidate.status <> 'building' and candidate.activated_at is not null
            and candidate.dimensions = vector_dims(query_embedding)
        else candidate.id = search_plan.generation_id
    end
    limit 1;
    if models is distinct from 1 then
        plan := 'none';
        generation := null;
        reason := case
            when models is null then 'no generation holds vectors of this model'
            else format(
                '%s generations hold vectors of %s dimensions: name the one of your model (generation_id)',
                models, dimensions)
        end;
        return next;
        return;
    end if;
    if search_plan.video_id is not null then
        plan := 'video_exact';
        reason := 'a video has few chunks: each is compared';
        return next;
        return;
    end if;
    -- Under row-level security the platform is the creator whose rows are visible.
    scope := coalesce(scope, current_creator_id());
    select inhrelid::regclass, greatest(part.reltuples, 0)
    into partition, rows_in_all
    from pg_inherits
    join pg_class as part on part.oid = inhrelid
    where inhparent = 'chunk_embeddings'::regclass
      and pg_get_expr(part.relpartbound, part.oid) = format('FOR VALUES IN (%L)', generation);
    candidates := search_candidates(rows_in_all);
    exact_row_us := exact_row_us * greatest(1, dimensions / 384.0);
    indexed := exists (
        select from pg_index
        join pg_class as of_vectors on of_vectors.oid = indexrelid
        join pg_am as method on method.oid = of_vectors.relam
        where indrelid = partition and indisvalid and method.amname = 'hnsw');
    -- So many are compared as fast as they are found by the index: the n of
    -- exact_row_us * n = index_us + index_walk_us * rows_in_all / n.
    compared := (index_us + sqrt(index_us ^ 2 + 4 * exact_row_us * index_walk_us * rows_in_all))
        / (2 * exact_row_us);
    if scope is null then
        rows_in_scope := rows_in_all;
    else
        select count(*) into rows_in_scope
        from (
            select from chunk_embeddings as vector_row
            where vector_row.generation_id = generation and vector_row.creator_id = scope
            limit compared + 1
        ) as counted;
    end if;
    plan := case when scope is null then 'platform' else 'creator' end;
    if not indexed then
        reason := 'the vectors have no index yet: each is compared';
        plan := plan || '_exact';
    elsif rows_in_scope <= compared then
        reason := format(
            'of %s vectors an index is faster from %s on: each of these %s is compared',
            rows_in_all, compared + 1, rows_in_scope);
        plan := plan || '_exact';
    else
        reason := format(
            'of %s vectors an index is faster from %s on: it is used', rows_in_all, compared + 1);
        plan := plan || '_index';
    end if;
    return next;
end
$$;
comment on function search_plan(vector, uuid, uuid, uuid) is
    'How the nearest vectors of a scope are found, why, and in which generation.';

create function search_statement(plan text, generation uuid, dimensions integer) returns text
    language plpgsql immutable parallel safe as
$$
declare
    -- $1 the question, $2 the video or creator, $3 how many.
    within constant text := format('vector_row.generation_id = %L', generation)
        || case split_part(plan, '_', 1)
            when 'video' then ' and vector_row.video_id = $2'
            when 'creator' then ' and vector_row.creator_id = $2'
            else ''
        end;
begin
    if plan like '%_index' then
        -- By vectors of half the bytes, then once more by the whole ones.
        return format(
            $sql$
            select near.video_id, near.text_hash, near.embedding <=> $1 as distance
            from (
                select vector_row.video_id, vector_row.text_hash, vector_row.embedding
                from chunk_embeddings as vector_row
                where %1$s
                order by vector_row.embedding::halfvec(%2$s) <=> $1::halfvec(%2$s)
                limit $3
            ) as near
            $sql$, within, dimensions);
    end if;
    -- `+ 0` keeps every index from the order of an exact search.
    return format(
        $sql$
        select vector_row.video_id, vector_row.text_hash, vector_row.embedding <=> $1 as distance
        from chunk_embeddings as vector_row
        where %s
        order by (vector_row.embedding <=> $1) + 0
        limit $3
        $sql$, within);
end
$$;
comment on function search_statement(text, uuid, integer) is
    'The statement of a plan: the vectors of a scope that are nearest to $1.';

create function nearest_vectors(
    plan text,
    generation uuid,
    dimensions integer,
    candidates integer,
    question vector,
    scope uuid,
    wanted integer
) returns table (video_id uuid, text_hash text, distance double precision)
    language plpgsql stable
    -- The choice of the plan stands: long vectors lie apart from their rows, so that the
    -- server takes them for cheap to read and would rather sort them all.
    set enable_sort = off as
$$
declare
    -- pgvector's own settings cannot stand above: its library may not be loaded yet.
    ef_before text := coalesce(current_setting('hnsw.ef_search', true), '40');
    scan_before text := coalesce(current_setting('hnsw.iterative_scan', true), 'off');
begin
    if plan like '%_index' then
        perform
            set_config('hnsw.ef_search', candidates::text, true),
            set_config('hnsw.iterative_scan', 'relaxed_order', true);
    end if;
    return query execute search_statement(plan, generation, dimensions)
    using question, scope, wanted;
    if plan like '%_index' then
        perform
            set_config('hnsw.ef_search', ef_before, true),
            set_config('hnsw.iterative_scan', scan_before, true);
    end if;
end
$$;
comment on function nearest_vectors(text, uuid, integer, integer, vector, uuid, integer) is
    'The vectors of a scope that a plan finds nearest to a question, in no order.';

create function explain_search(
    query_embedding vector,
    match_count integer default 5,
    video_id uuid default null,
    creator_id uuid default null,
    generation_id uuid default null
) returns setof text
    language plpgsql
    -- As nearest_vectors runs it.
    set enable_sort = off as
$$
#variable_conflict use_column
declare
    chosen record;
    step text;
begin
    select * into chosen from search_plan(
        query_embedding, explain_search.video_id, explain_search.creator_id,
        explain_search.generation_id);
    if chosen.plan <> 'none' then
        for step in execute
            'explain (costs off) ' || search_statement(chosen.plan, chosen.generation, chosen.dimensions)
        using query_embedding,
            coalesce(explain_search.video_id, explain_search.creator_id, current_creator_id()),
            3 * match_count
        loop
            -- The numbers of the question would hide everything else.
            return next regexp_replace(step, '''\[[^]]*\]''::(half)?vec(tor)?(\(\d+\))?', 'question', 'g');
        end loop;
    end if;
end
$$;
comment on function explain_search(vector, integer, uuid, uuid, uuid) is
    'The steps of the server for the statement that the plan of a scope runs.';

create type video_moment as (
    id uuid,
    video_id uuid,
    creator_id uuid,
    title text,
    chunk_text text,
    chunk_index integer,
    chunk_count integer,
    start_timestamp double precision,
    end_timestamp double precision,
    topic_tags text[],
    similarity double precision,
    score double precision,
    vector_rank integer,
    text_rank integer,
    text_share double precision,
    highlights text[]
);
comment on type video_moment is
    'A passage of a lesson that answers a question: its best chunk (id, chunk_index, similarity, '
    'ranks) and, in text and time, the neighbours that answer it too.';

create function match_video_chunks(
    query_embedding vector,
    match_count integer default 5,
    video_id uuid default null,
    creator_id uuid default null,
    query_text text default null,
    generation_id uuid default null
) returns setof video_moment
    language plpgsql stable as
$$
#variable_conflict use_column
declare
    -- Reciprocal rank fusion, Cormack, Clarke and Büttcher, SIGIR 2009.
    rank_constant constant float8 := 60;
    -- A place in full text counts by the share of the question's words that the chunk
    -- holds: most chunks share one word with a question and say nothing about it.
    -- Measured on the golden set: 3; 2 and 4 are within 0.01 of its MRR.
    share_exponent constant float8 := 3;
    text_pool constant integer := 50;
    wanted integer;
    looked_at integer;
    chosen record;
    searched uuid;
    scope uuid := coalesce(match_video_chunks.creator_id, current_creator_id());
    breadth text;
    configurations regconfig[];
    of_configuration regconfig;
    words text;
    one_of tsquery;
    required tsquery;
    banned tsquery;
    found_terms tsquery[];
    terms tsquery[] := '{}';
    languages integer[] := '{}';
    near_videos uuid[];
    near_hashes text[];
    near_distances float8[];
    vector_ids uuid[] := '{}';
    distances float8[] := '{}';
    text_ids uuid[] := '{}';
    shares float8[] := '{}';
begin
    if match_count is null or match_count not between 1 and 100 then
        raise exception 'match_count must be 1 to 100' using errcode = '22023';
    end if;
    words := nullif(btrim(query_text), '');
    if query_embedding is null and words is null then
        raise exception 'a search needs a vector or words' using errcode = '22023';
    end if;
    if match_video_chunks.video_id is not null and match_video_chunks.creator_id is not null
        and not exists (
            select from videos
            where videos.id = match_video_chunks.video_id
              and videos.creator_id = match_video_chunks.creator_id) then
        -- Whoever names both wants nothing of another creator.
        return;
    end if;
    -- Neighbours may take the places of half of them.
    wanted := 2 * match_count;
    breadth := case
        when match_video_chunks.video_id is not null then 'video.id = $4'
        when scope is not null then 'video.creator_id = $4'
        else 'true'
    end;

    if words is not null then
        wanted := greatest(wanted, text_pool);
        if breadth = 'true' then
            with recursive spoken as (
                (select language from transcripts order by language limit 1)
                union all
                select (
                    select transcript.language from transcripts as transcript
                    where transcript.language > spoken.language
                    order by transcript.language limit 1)
                from spoken where spoken.language is not null
            )
            select array_agg(distinct search_configuration(spoken.language)) into configurations
            from spoken where spoken.language is not null;
        else
            select array_agg(distinct search_configuration(transcript.language))
            into configurations
            from videos as video
            join transcripts as transcript on transcript.id = video.published_transcript_id
            where case
                when match_video_chunks.video_id is not null then video.id = match_video_chunks.video_id
                else video.creator_id = scope
            end;
        end if;
        -- As on the web: "these words in this order" must be there, -this must not.
        words := replace(
            regexp_replace(words, '(^|\s)-(?=[[:alpha:]"])("[^"]*"|[^\s"]+)', ' ', 'g'), '"', ' ');
        foreach of_configuration in array coalesce(configurations, '{}') loop
            found_terms := search_terms(of_configuration, words);
            terms := terms || found_terms;
            languages := languages || array_fill(
                of_configuration::oid::integer, array[cardinality(found_terms)]);
            one_of := coalesce(one_of || any_of(
                found_terms, query_embedding is not null and cardinality(found_terms) > 2
            ), one_of, any_of(
                found_terms, query_embedding is not null and cardinality(found_terms) > 2));
            select coalesce(required || phrases.query, phrases.query, required) into required
            from (
                select nullif(websearch_to_tsquery(of_configuration, string_agg(quoted.parts[2], ' '))::text, '')::tsquery as query
                from regexp_matches(query_text, '(-?)("[^"]+")', 'g') as quoted (parts)
                where quoted.parts[1] = ''
            ) as phrases;
            select coalesce(banned || negations.query, negations.query, banned) into banned
            from (
                select nullif(websearch_to_tsquery(of_configuration, string_agg(negation[1], ' or '))::text, '')::tsquery as query
                from regexp_matches(query_text, '(?:^|\s)-(?=[[:alpha:]"])("[^"]*"|[^\s"]+)', 'g') as negation
            ) as negations;
        end loop;
        if one_of is not null then
            execute format(
                $sql$
                select array_agg(ranked.id order by ranked.place), array_agg(ranked.share order by ranked.place)
                from (
                    select
                        hit.id,
                        row_number() over (order by hit.rank desc, hit.id) as place,
                        (
                            select max(by_language.share)
                            from (
                                select avg((hit.tsv @@ asked.term)::integer) as share
                                from unnest($2::tsquery[], $3::integer[]) as asked (term, language)
                                group by asked.language
                            ) as by_language
                        ) as share
                    from (
                        select chunk.id, chunk.tsv, ts_rank(chunk.tsv, $1) as rank
                        from transcript_chunks as chunk
                        join videos as video
                            on video.id = chunk.video_id
                            and video.published_transcript_id = chunk.transcript_id
                            and video.published_chunk_cut = chunk.cut
                        where chunk.tsv @@ $1 and %s
                          and ($6::tsquery is null or chunk.tsv @@ $6)
                          and ($7::tsquery is null or not chunk.tsv @@ $7)
                        order by ts_rank(chunk.tsv, $1) desc, chunk.id
                        limit $5
                    ) as hit
                ) as ranked
                $sql$, breadth)
            into text_ids, shares
            using one_of, terms, languages, coalesce(match_video_chunks.video_id, scope),
                case when query_embedding is null then wanted else text_pool end,
                required, banned;
        end if;
    end if;

    if query_embedding is not null then
        select * into chosen from search_plan(
            query_embedding, match_video_chunks.video_id,
            match_video_chunks.creator_id, match_video_chunks.generation_id);
        if chosen.plan = 'none' and chosen.dimensions is not null and words is null then
            -- A guess would compare one model's question with another's vectors.
            raise exception '%', chosen.reason using errcode = '22023';
        end if;
        if chosen.plan <> 'none' then
            searched := chosen.generation;
            -- Some of the vectors are of texts that readers do not see.
            looked_at := wanted * 3 / 2;
            loop
                select array_agg(near.video_id), array_agg(near.text_hash), array_agg(near.distance)
                into near_videos, near_hashes, near_distances
                from nearest_vectors(
                    chosen.plan, chosen.generation, chosen.dimensions, chosen.candidates,
                    query_embedding, coalesce(match_video_chunks.video_id, scope), looked_at
                ) as near;
                select array_agg(hit.id order by hit.distance, hit.id),
                    array_agg(hit.distance order by hit.distance, hit.id)
                into vector_ids, distances
                from (
                    select chunk.id, near.distance
                    from unnest(near_videos, near_hashes, near_distances)
                        as near (video_id, text_hash, distance)
                    join transcript_chunks as chunk
                        on chunk.video_id = near.video_id and chunk.text_hash = near.text_hash
                    join videos as video
                        on video.id = chunk.video_id
                        and video.published_transcript_id = chunk.transcript_id
                        and video.published_chunk_cut = chunk.cut
                    where (required is null or chunk.tsv @@ required)
                      and (banned is null or not chunk.tsv @@ banned)
                    order by near.distance, chunk.id
                    limit wanted
                ) as hit;
                exit when cardinality(vector_ids) >= wanted
                    or coalesce(cardinality(near_videos), 0) < looked_at
                    or looked_at > 10 * wanted;
                looked_at := 10 * looked_at;
            end loop;
            -- Never fewer than there are: what was looked at may not have been enough.
            -- An exact search that saw fewer than it asked for has seen them all.
            if coalesce(cardinality(vector_ids), 0) < wanted
                and (chosen.plan like '%_index'
                    or coalesce(cardinality(near_videos), 0) >= looked_at) then
                execute format(
                    $sql$
                    select array_agg(hit.id order by hit.distance, hit.id),
                        array_agg(hit.distance order by hit.distance, hit.id)
                    from (
                        select chunk.id, vector_row.embedding <=> $1 as distance
                        from videos as video
                        join transcript_chunks as chunk
                            on chunk.transcript_id = video.published_transcript_id
                            and chunk.cut = video.published_chunk_cut
                        join chunk_embeddings as vector_row
                            on vector_row.generation_id = %L
                            and vector_row.video_id = chunk.video_id
                            and vector_row.text_hash = chunk.text_hash
                        where %s
                          and ($2::tsquery is null or chunk.tsv @@ $2)
                          and ($3::tsquery is null or not chunk.tsv @@ $3)
                        order by (vector_row.embedding <=> $1) + 0, chunk.id
                        limit $5
                    ) as hit
                    $sql$, searched, breadth)
                into vector_ids, distances
                using query_embedding, required, banned,
                    coalesce(match_video_chunks.video_id, scope), wanted;
            end if;
        end if;
    end if;

    return query
    with hits as (
        select
            found.id,
            max(found.vector_rank)::integer as vector_rank,
            max(found.distance) as distance,
            max(found.text_rank)::integer as text_rank,
            max(found.share) as share
        from (
            select near.id, near.place as vector_rank, near.distance, null::bigint as text_rank,
                null::float8 as share
            from unnest(vector_ids, distances) with ordinality as near (id, distance, place)
            union all
            select said.id, null, null, said.place, said.share
            from unnest(text_ids, shares) with ordinality as said (id, share, place)
        ) as found
        group by found.id
    ),
    ranked as (
        select hits.*, chunk.video_id, chunk.chunk_index, fused.score,
            row_number() over (order by fused.score desc, hits.vector_rank, hits.id) as place
        from hits
        join transcript_chunks as chunk on chunk.id = hits.id
        cross join lateral (
            select (rank_constant + 1)
                -- 1 for what is first on every list that was asked.
                / ((query_embedding is not null)::integer + (cardinality(terms) > 0)::integer)
                * (coalesce(1 / (rank_constant + hits.vector_rank), 0)
                    + coalesce(
                        case when query_embedding is null then 1 else hits.share ^ share_exponent end
                            / (rank_constant + hits.text_rank), 0)) as score
        ) as fused
    ),
    -- A hit that would be shown on its own and stands beside a better one is shown with
    -- it, and its place goes to the next; so a passage has at most three chunks.
    beside as (
        select ranked.*,
            least(
                case when lag(ranked.chunk_index) over neighbours = ranked.chunk_index - 1
                    then lag(ranked.place) over neighbours end,
                case when lead(ranked.chunk_index) over neighbours = ranked.chunk_index + 1
                    then lead(ranked.place) over neighbours end
            ) as better
        from ranked
        window neighbours as (partition by ranked.video_id order by ranked.chunk_index)
    ),
    led as (
        select follower.*,
            case
                when follower.place <= match_count and follower.better < follower.place
                    and (leader.better is null or leader.better > leader.place)
                then follower.better
                else follower.place
            end as passage
        from beside as follower
        left join beside as leader on leader.place = follower.better
    ),
    shown as (
        select led.*, dense_rank() over (order by led.passage) as number from led
    ),
    passages as (
        select
            shown.passage,
            count(*)::integer as chunk_count,
            string_agg(chunk.chunk_text, ' ' order by chunk.chunk_index) as chunk_text,
            min(chunk.start_timestamp) as start_timestamp,
            max(chunk.end_timestamp) as end_timestamp,
            array(
                select distinct tag
                from shown as part
                join transcript_chunks as tagged on tagged.id = part.id
                cross join lateral unnest(tagged.topic_tags) as tag
                where part.passage = shown.passage
                order by tag
            ) as topic_tags
        from shown
        join transcript_chunks as chunk on chunk.id = shown.id
        where shown.number <= match_count
        group by shown.passage
    )
    select
        best.id, best.video_id, video.creator_id, video.title, passages.chunk_text,
        best.chunk_index, passages.chunk_count, passages.start_timestamp,
        passages.end_timestamp, passages.topic_tags,
        coalesce(
            1 - best.distance,
            (
                select 1 - (vector_row.embedding <=> query_embedding)
                from transcript_chunks as chunk
                join chunk_embeddings as vector_row
                    on vector_row.video_id = chunk.video_id and vector_row.text_hash = chunk.text_hash
                where chunk.id = best.id and vector_row.generation_id = searched
            )),
        best.score, best.vector_rank, best.text_rank, best.share,
        case when cardinality(terms) > 0 then array(
            select distinct marked[1]
            from transcripts as transcript,
            regexp_matches(
                ts_headline(
                    search_configuration(transcript.language), passages.chunk_text,
                    any_of(terms, false),
                    -- Marks that no speech holds.
                    E'HighlightAll=true, StartSel=\x01, StopSel=\x02'),
                E'\x01([^\x02]+)\x02', 'g') as marked
            where transcript.id = video.published_transcript_id
            order by 1
        ) else '{}' end
    from passages
    join ranked as best on best.place = passages.passage
    join videos as video on video.id = best.video_id
    order by passages.passage;
end
$$;
comment on function match_video_chunks(vector, integer, uuid, uuid, text, uuid) is
    'The moments of published lessons that answer a question, best first: by meaning when a vector is given, '
    'by words when words are, by both joined when both are. Within a video, within a creator, or everywhere. '
    'generation_id is the row of embedding_generations whose model made the vector; it may be left out while '
    'only one model makes vectors of that length.';

-- For an exact search within a creator, and to count a creator's vectors without reading
-- them. An index of a partitioned table cannot be built concurrently: 100,000 rows stop
-- writers for a tenth of a second, here at the end of the transaction.
create index idx_chunk_embeddings_creator on chunk_embeddings (creator_id, generation_id);
