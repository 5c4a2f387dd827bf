-- Rows about what changed in the tables that are cached, for the cache to follow.

-- The row that says that a creator is gone must outlive the creator: the cache follows it.
-- The trigger erase_events does what the foreign key did for all other events.
alter table events drop constraint events_creator_id_fkey;

create function erase_events() returns trigger
    language plpgsql as
$$
begin
    delete from events where creator_id = old.id and name not like 'change/%';
    return null;
end
$$;
comment on function erase_events() is
    'Removes the events of a deleted creator, but for the rows of what changed.';

create function changed_row(stored jsonb) returns jsonb
    language sql immutable
    return jsonb_strip_nulls(jsonb_build_object(
        'id', stored -> 'id',
        'creatorId', coalesce(stored -> 'creator_id', stored -> 'id'),
        'userId', stored -> 'user_id',
        'studentId', stored -> 'student_id'));
comment on function changed_row(jsonb) is
    'Whom the cached copies of a row are named by; of a row without creator_id: a creator.';

create function record_change() returns trigger
    language plpgsql as
$$
declare
    was     jsonb := case when tg_op <> 'INSERT' then to_jsonb(old) end;
    becomes jsonb := case when tg_op <> 'DELETE' then to_jsonb(new) end;
    changed jsonb := '[]';
begin
    if tg_op = 'UPDATE' then
        select jsonb_agg(after.key order by after.key)
        into changed
        from jsonb_each(becomes) as after
        join jsonb_each(was) as before on before.key = after.key
        where after.value <> before.value and after.key not in ('updated_at', 'version');
        if changed is null then
            return null;
        end if;
    end if;
    -- Two rows when the row went to other hands: the caches of both are stale.
    insert into events (id, name, schema_version, deduplication_key, creator_id, payload)
    select
        fresh.id,
        'change/' || tg_table_name,
        1,
        fresh.id::text,
        (changes.payload ->> 'creatorId')::uuid,
        changes.payload
            || jsonb_build_object('operation', lower(tg_op), 'changed', changed)
            || case
                when tg_table_name = 'chat_sessions' then jsonb_build_object(
                    'ended', coalesce(becomes, was) ->> 'ended_at' is not null)
                else '{}'
            end
    from (
        select changed_row(was) as payload where was is not null
        union
        select changed_row(becomes) where becomes is not null
    ) as changes
    -- Lateral, else both of two rows would get one id.
    cross join lateral (select gen_random_uuid() as id, changes.payload) as fresh;
    return null;
end
$$;
comment on function record_change() is
    'Writes an event change/{table} about the row, in its transaction: {id, creatorId, operation '
    '(insert, update, delete), changed: [columns, of an update]}, with userId, studentId and '
    'ended where the table has them; no other value of the row.';

create trigger erase_events after delete on creators
    for each row execute function erase_events();
create trigger record_change after insert or update or delete on creators
    for each row execute function record_change();
create trigger record_change after insert or update or delete on students
    for each row execute function record_change();
create trigger record_change after insert or update or delete on videos
    for each row execute function record_change();
create trigger record_change after insert or update or delete on memberships
    for each row execute function record_change();
create trigger record_change after insert or update or delete on chat_sessions
    for each row execute function record_change();
