drop index idx_creators_whop_company;
drop table membership_answers;
drop index idx_memberships_user;

-- The schema below knows one membership of a user and a product: the best stays.
delete from memberships using (
    select id, row_number() over (
        partition by creator_id, user_id, product_id
        order by closed_at is null desc, granted_at desc nulls last, synced_at desc, id) as place
    from memberships
) as ranked
where memberships.id = ranked.id and ranked.place > 1;
alter table memberships
    drop constraint memberships_creator_id_external_id_key,
    drop column changed_at,
    drop column granted_at,
    drop column company_id,
    add constraint memberships_creator_id_user_id_product_id_key
        unique (creator_id, user_id, product_id);
comment on column memberships.closed_at is 'When a sync found it gone; NULL while it exists.';

create or replace function record_change() returns trigger
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
