-- A document may get a newer file, and other words about it. Uploading the same file twice is noticed.

alter table app.knowledge_documents
  -- Nobody said the language: a newer file's is detected again.
  add column language_detected boolean not null default false,
  -- Names of the objects that held earlier files; they may go, and no name is ever used again.
  add column superseded_objects text[] not null default '{}';

create or replace function app.document_json(p_document app.knowledge_documents)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select jsonb_build_object(
    'id', p_document.id,
    'title', p_document.title,
    'filename', p_document.filename,
    'content_type', p_document.content_type,
    'size', p_document.size_bytes,
    'sha256', p_document.sha256,
    'object_name', p_document.object_name,
    'visibility', p_document.visibility,
    'language', p_document.language,
    'language_detected', p_document.language_detected or p_document.language is null,
    'tags', p_document.tags,
    'status', p_document.status,
    'reason', p_document.reason,
    'chunks', p_document.chunk_count,
    'index_version', p_document.indexed_version,
    'created_at', app.utc(p_document.created_at),
    'updated_at', app.utc(p_document.updated_at),
    'indexed_at', app.utc(p_document.indexed_at))
$$;

-- The size in bytes that a command names; refuses anything else.
create function app.size_of(p_document jsonb)
returns bigint
language plpgsql
set search_path = ''
as $$
begin
  if p_document -> 'size' is null or app.text_of(p_document, 'size') !~ '^[0-9]{1,12}$' then
    perform app.invalid('size', 'must be the size in bytes');
  end if;
  return (p_document ->> 'size')::bigint;
end
$$;

-- Refuses a file that a document of this title has already, byte for byte. Of two at once the second
-- waits for the first, and is refused.
create function app.refuse_duplicate(p_tenant uuid, p_title text, p_sha256 text)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_twin app.knowledge_documents;
begin
  perform pg_advisory_xact_lock(hashtextextended(
    concat_ws(E'\x1f', 'document', p_tenant::text, p_sha256), 0));
  select * into v_twin
  from app.knowledge_documents as d
  where d.tenant_id = p_tenant and d.sha256 = p_sha256 and d.deleted_at is null
    and app.fold(d.title) = app.fold(p_title)
  order by d.created_at
  limit 1;
  if found then
    perform app.fail(
      409, 'conflict', 'The document "' || v_twin.title || '" has this very file already.',
      jsonb_build_object(
        'document_id', v_twin.id,
        'errors', jsonb_build_array(jsonb_build_object(
          'field', 'file', 'message', 'is there already; set allow_duplicate to keep it twice'))));
  end if;
end
$$;

-- p_document: {id, title, filename, content_type, size, sha256, object_name, visibility?, language?,
-- language_detected?, tags?, refuse_duplicate?}. Reply data: the document, status pending. 201.
create or replace function api.add_document(p_document jsonb, p_command jsonb default '{}')
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_access app.access := app.require_role('agent');
  v_replay jsonb := app.claim_key(v_access.tenant_id, v_access.user_id::text, p_command);
  v_document app.knowledge_documents;
begin
  if v_replay is not null then
    return v_replay;
  end if;
  if p_document -> 'refuse_duplicate' = 'true' then
    perform app.refuse_duplicate(
      v_access.tenant_id,
      app.require_text(p_document, 'title', 300),
      app.require_text(p_document, 'sha256', 64));
  end if;
  begin
    insert into app.knowledge_documents (
      tenant_id, id, title, filename, content_type, size_bytes, sha256, object_name, visibility,
      language, language_detected, tags, created_by)
    values (
      v_access.tenant_id,
      app.require_uuid(p_document, 'id'),
      app.require_text(p_document, 'title', 300),
      app.require_text(p_document, 'filename', 300),
      app.require_text(p_document, 'content_type', 200),
      app.size_of(p_document),
      app.require_text(p_document, 'sha256', 64),
      app.require_text(p_document, 'object_name', 1000),
      coalesce(app.text_of(p_document, 'visibility'), 'internal'),
      lower(app.text_of(p_document, 'language')),
      coalesce(p_document -> 'language_detected' = 'true', false),
      coalesce(app.texts_of(p_document, 'tags'), '{}'),
      v_access.user_id)
    returning * into v_document;
  exception
    when unique_violation then
      perform app.fail(409, 'conflict', 'A document with this id exists already.', '{"field": "id"}');
    when check_violation then
      perform app.invalid('document', 'has a value that is not allowed');
  end;
  perform app.write_audit(
    v_access.tenant_id, 'member', v_access.user_id::text, 'document.added', v_document.id, p_command,
    jsonb_build_object(
      'sha256', v_document.sha256, 'size', v_document.size_bytes, 'visibility', v_document.visibility));
  return app.reply(
    v_access.tenant_id, v_access.user_id::text, p_command, 201, app.document_json(v_document),
    jsonb_build_array(app.knowledge_changed(v_access.tenant_id)));
end
$$;

-- The tenant's document, locked until the transaction ends; not_found when there is none.
create function app.lock_document(p_tenant uuid, p_id uuid)
returns app.knowledge_documents
language plpgsql
set search_path = ''
as $$
declare
  v_document app.knowledge_documents;
begin
  select * into v_document
  from app.knowledge_documents as d
  where d.tenant_id = p_tenant and d.id = p_id and d.deleted_at is null
  for update;
  if not found then
    perform app.fail(404, 'not_found', 'There is no such document.');
  end if;
  return v_document;
end
$$;

-- p_document: {filename, content_type, size, sha256, object_name, language, language_detected?,
-- title?, visibility?, tags?}: a newer file, and what shall change with it. A detected language gives
-- way to one that somebody named before. The object must lie in the document's own folder. Reply
-- data: the document, status pending. not_found when there is none.
create function api.replace_document(p_id uuid, p_document jsonb, p_command jsonb default '{}')
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_access app.access := app.require_role('agent');
  v_replay jsonb := app.claim_key(v_access.tenant_id, v_access.user_id::text, p_command);
  v_before app.knowledge_documents;
  v_after app.knowledge_documents;
  v_object text := app.require_text(p_document, 'object_name', 1000);
  v_detected boolean := coalesce(p_document -> 'language_detected' = 'true', false);
begin
  if v_replay is not null then
    return v_replay;
  end if;
  v_before := app.lock_document(v_access.tenant_id, p_id);
  if v_object !~ ('^tenants/' || v_access.tenant_id || '/documents/' || p_id || '/[0-9a-zA-Z-]{1,100}$')
    or v_object = any (v_before.object_name || v_before.superseded_objects) then
    perform app.invalid('object_name', 'must be a new object of this document');
  end if;
  if v_detected and not v_before.language_detected and v_before.language is not null then
    p_document := p_document || jsonb_build_object('language', v_before.language);
    v_detected := false;
  end if;
  begin
    update app.knowledge_documents as d
    set title = case when p_document ? 'title' then app.require_text(p_document, 'title', 300)
                else d.title end,
        filename = app.require_text(p_document, 'filename', 300),
        content_type = app.require_text(p_document, 'content_type', 200),
        size_bytes = app.size_of(p_document),
        sha256 = app.require_text(p_document, 'sha256', 64),
        object_name = v_object,
        superseded_objects = d.superseded_objects || d.object_name,
        visibility = coalesce(app.text_of(p_document, 'visibility'), d.visibility),
        language = lower(app.require_text(p_document, 'language', 3)),
        language_detected = v_detected,
        tags = coalesce(app.texts_of(p_document, 'tags'), d.tags),
        status = 'pending', reason = null, updated_at = now()
    where d.tenant_id = v_access.tenant_id and d.id = p_id
    returning * into v_after;
  exception
    when check_violation then
      perform app.invalid('document', 'has a value that is not allowed');
  end;
  perform app.write_audit(
    v_access.tenant_id, 'member', v_access.user_id::text, 'document.replaced', p_id, p_command,
    jsonb_build_object(
      'sha256_before', v_before.sha256, 'sha256', v_after.sha256, 'size', v_after.size_bytes,
      'visibility', v_after.visibility));
  return app.reply(
    v_access.tenant_id, v_access.user_id::text, p_command, 200, app.document_json(v_after),
    jsonb_build_array(app.knowledge_changed(v_access.tenant_id)));
end
$$;

-- p_changes: {title?, visibility?, language?, tags?}. Reply data: the document, status pending until
-- an index says the same; what changes nothing leaves it as it is. not_found when there is none.
create function api.update_document(p_id uuid, p_changes jsonb, p_command jsonb default '{}')
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_access app.access := app.require_role('agent');
  v_replay jsonb := app.claim_key(v_access.tenant_id, v_access.user_id::text, p_command);
  v_before app.knowledge_documents;
  v_after app.knowledge_documents;
  v_changed text[];
begin
  if v_replay is not null then
    return v_replay;
  end if;
  v_before := app.lock_document(v_access.tenant_id, p_id);
  v_after := v_before;
  if p_changes ? 'title' then
    v_after.title := app.require_text(p_changes, 'title', 300);
  end if;
  if p_changes ? 'language' then
    v_after.language := lower(app.require_text(p_changes, 'language', 3));
    v_after.language_detected := false;
  end if;
  v_after.visibility := coalesce(app.text_of(p_changes, 'visibility'), v_before.visibility);
  v_after.tags := coalesce(app.texts_of(p_changes, 'tags'), v_before.tags);
  v_changed := array_remove(array[
    case when v_after.title <> v_before.title then 'title' end,
    case when v_after.visibility <> v_before.visibility then 'visibility' end,
    case when (v_after.language, v_after.language_detected)
      is distinct from (v_before.language, v_before.language_detected) then 'language' end,
    case when v_after.tags <> v_before.tags then 'tags' end], null);
  if v_changed = '{}' then
    return app.reply(
      v_access.tenant_id, v_access.user_id::text, p_command, 200, app.document_json(v_before));
  end if;
  begin
    update app.knowledge_documents as d
    set title = v_after.title, visibility = v_after.visibility, language = v_after.language,
        language_detected = v_after.language_detected, tags = v_after.tags,
        status = 'pending', reason = null, updated_at = now()
    where d.tenant_id = v_access.tenant_id and d.id = p_id
    returning * into v_after;
  exception
    when check_violation then
      perform app.invalid('changes', 'has a value that is not allowed');
  end;
  perform app.write_audit(
    v_access.tenant_id, 'member', v_access.user_id::text, 'document.updated', p_id, p_command,
    jsonb_build_object('fields', v_changed, 'visibility', v_after.visibility));
  return app.reply(
    v_access.tenant_id, v_access.user_id::text, p_command, 200, app.document_json(v_after),
    jsonb_build_array(app.knowledge_changed(v_access.tenant_id)));
end
$$;

-- A JSON array of object names that may go: of deleted documents, and of files that were replaced.
create function app.objects_that_may_go(p_tenant uuid)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select coalesce(jsonb_agg(o.name order by d.updated_at, o.name), '[]')
  from app.knowledge_documents as d
  cross join lateral unnest(
    d.superseded_objects || case when d.deleted_at is not null then array[d.object_name] else '{}' end
  ) as o (name)
  where d.tenant_id = p_tenant
$$;

-- {tenant_id, tenant_slug, tenant_status, knowledge_version, index_version, locale, documents: [document],
-- deleted: [object names that may go]}
create or replace function api.platform_index_source(p_tenant uuid)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform app.enter_tenant(p_tenant);
  return (
    select jsonb_build_object(
      'tenant_id', t.id,
      'tenant_slug', t.slug,
      'tenant_status', t.status,
      'knowledge_version', t.knowledge_version,
      'index_version', t.index_version,
      'locale', (select s.locale from app.tenant_settings as s where s.tenant_id = p_tenant),
      'documents', (
        select coalesce(jsonb_agg(app.document_json(d) order by d.created_at, d.id), '[]')
        from app.knowledge_documents as d
        where d.tenant_id = p_tenant and d.deleted_at is null),
      'deleted', app.objects_that_may_go(p_tenant))
    from app.tenants as t
    where t.id = p_tenant);
end
$$;

call app.publish_function('api.add_document', 'authenticated');
call app.publish_function('api.replace_document', 'authenticated');
call app.publish_function('api.update_document', 'authenticated');
call app.publish_function('api.platform_index_source', 'service_role');
