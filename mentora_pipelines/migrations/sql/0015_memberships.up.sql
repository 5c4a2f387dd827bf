-- Memberships follow Whop, and what its access check said is kept.

alter table memberships
    add column company_id text check (company_id <> ''),
    add column granted_at timestamptz,
    add column changed_at timestamptz,
    -- A user may buy a product twice: then one purchase must not hide the other.
    drop constraint memberships_creator_id_user_id_product_id_key,
    add constraint memberships_creator_id_external_id_key unique (creator_id, external_id);
create index idx_memberships_user on memberships (creator_id, user_id);
comment on column memberships.closed_at is
    'When it was found gone, or Whop said that it is over; NULL while it exists.';
comment on column memberships.company_id is
    'The id of the company at Whop that sold it; NULL until Whop told of it.';
comment on column memberships.granted_at is
    'When Whop last told of it as giving access; kept while the status is an unknown word, NULL after one that denies.';
comment on column memberships.changed_at is
    'When it last changed at Whop: what was told of an earlier change is older news.';

create table membership_answers (
    creator_id  uuid not null references creators on delete cascade,
    user_id     text not null check (user_id <> ''),
    resource_id text not null check (resource_id <> ''),
    granted     boolean not null,
    is_staff    boolean not null,
    answered_at timestamptz not null,
    primary key (creator_id, user_id, resource_id)
);
create index idx_membership_answers_age on membership_answers (answered_at);
comment on table membership_answers is
    'What Whop''s access check said last, for when it does not answer.';
comment on column membership_answers.creator_id is 'The creator who sells it.';
comment on column membership_answers.user_id is 'The user''s id at Whop.';
comment on column membership_answers.resource_id is
    'The product''s id at Whop, or the company''s where a creator sells all of it.';
comment on column membership_answers.granted is 'Whether the user has access.';
comment on column membership_answers.is_staff is
    'Whether the access is that of the creator''s team, which no membership ends.';
comment on column membership_answers.answered_at is 'When Whop was asked.';

alter table membership_answers enable row level security, force row level security;
create policy creator on membership_answers to mentora_app
    using (creator_id = current_creator_id()) with check (creator_id = current_creator_id());
create policy platform on membership_answers to mentora_admin using (true) with check (true);
grant select, insert, update on membership_answers to mentora_app;
grant select, insert, update, delete on membership_answers to mentora_admin;

create index idx_creators_whop_company on creators ((settings -> 'whop' ->> 'companyId'))
    where settings -> 'whop' is not null;
comment on index idx_creators_whop_company is 'For deliveries, which name the company.';

-- An hourly listing confirms every membership: that is no change for the cache to follow.
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
        where after.value <> before.value
          and after.key not in ('updated_at', 'version', 'synced_at')
          and not (
              after.key = 'granted_at'
              and jsonb_typeof(after.value) = jsonb_typeof(before.value));
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
