-- Knowledge documents as members handle them. The bytes are stored before the command and indexed
-- after it; the outbox event says that something changed.

create function app.document_json(p_document app.knowledge_documents)
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
    'tags', p_document.tags,
    'status', p_document.status,
    'reason', p_document.reason,
    'chunks', p_document.chunk_count,
    'index_version', p_document.indexed_version,
    'created_at', app.utc(p_document.created_at),
    'updated_at', app.utc(p_document.updated_at),
    'indexed_at', app.utc(p_document.indexed_at))
$$;

-- Counts the change and promises the event that makes the indexer look.
create function app.knowledge_changed(p_tenant uuid)
returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  v_version bigint;
begin
  update app.tenants as t
  set knowledge_version = t.knowledge_version + 1, updated_at = now()
  where t.id = p_tenant
  returning t.knowledge_version into v_version;
  return app.promise_event(
    p_tenant, 'knowledge', 'frontdesk.knowledge.changed.v1',
    jsonb_build_object('knowledge_version', v_version));
end
$$;

-- p_document: {id, title, filename, content_type, size, sha256, object_name, visibility?, language?,
-- tags?}. Reply data: the document, status pending. 201.
create function api.add_document(p_document jsonb, p_command jsonb default '{}')
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
  if app.text_of(p_document, 'size') !~ '^[0-9]{1,12}$' or p_document -> 'size' is null then
    perform app.invalid('size', 'must be the size in bytes');
  end if;
  begin
    insert into app.knowledge_documents (
      tenant_id, id, title, filename, content_type, size_bytes, sha256, object_name, visibility,
      language, tags, created_by)
    values (
      v_access.tenant_id,
      app.require_uuid(p_document, 'id'),
      app.require_text(p_document, 'title', 300),
      app.require_text(p_document, 'filename', 300),
      app.require_text(p_document, 'content_type', 200),
      (p_document ->> 'size')::bigint,
      app.require_text(p_document, 'sha256', 64),
      app.require_text(p_document, 'object_name', 1000),
      coalesce(app.text_of(p_document, 'visibility'), 'internal'),
      lower(app.text_of(p_document, 'language')),
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

-- Takes a document out of every later answer. Reply data: the document, so that its object can be
-- removed. not_found when there is none.
create function api.delete_document(p_id uuid, p_command jsonb default '{}')
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
  update app.knowledge_documents as d
  set deleted_at = now(), updated_at = now()
  where d.tenant_id = v_access.tenant_id and d.id = p_id and d.deleted_at is null
  returning * into v_document;
  if not found then
    perform app.fail(404, 'not_found', 'There is no such document.');
  end if;
  perform app.write_audit(
    v_access.tenant_id, 'member', v_access.user_id::text, 'document.deleted', p_id, p_command);
  return app.reply(
    v_access.tenant_id, v_access.user_id::text, p_command, 200, app.document_json(v_document),
    jsonb_build_array(app.knowledge_changed(v_access.tenant_id)));
end
$$;

-- {access, document}; visitors see public documents alone.
create function api.read_document(p_id uuid)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_access app.access := app.require_role('visitor');
  v_document app.knowledge_documents;
begin
  select * into v_document
  from app.knowledge_documents as d
  where d.tenant_id = v_access.tenant_id and d.id = p_id and d.deleted_at is null
    and (d.visibility = 'public' or v_access.role <> 'visitor');
  if not found then
    perform app.fail(404, 'not_found', 'There is no such document.');
  end if;
  return jsonb_build_object('access', app.access_json(v_access), 'document', app.document_json(v_document));
end
$$;

-- p_filter: {status?, visibility?, language?, tag?}; newest first; p_after is the `next` of the page
-- before. {access, knowledge_version, index_version, rows: [document], next}
create function api.list_documents(
  p_filter jsonb default '{}', p_limit int default 50, p_after jsonb default null
)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_access app.access := app.require_role('visitor');
  v_rows jsonb;
begin
  if p_limit is null or p_limit not between 1 and 200 then
    perform app.invalid('limit', 'must be between 1 and 200');
  end if;
  select coalesce(jsonb_agg(app.document_json(d) order by d.created_at desc, d.id desc), '[]')
  into v_rows
  from (
    select * from app.knowledge_documents as d
    where d.tenant_id = v_access.tenant_id and d.deleted_at is null
      and (d.visibility = 'public' or v_access.role <> 'visitor')
      and (app.texts_of(p_filter, 'status') is null or d.status = any (app.texts_of(p_filter, 'status')))
      and (app.text_of(p_filter, 'visibility') is null or d.visibility = app.text_of(p_filter, 'visibility'))
      and (app.text_of(p_filter, 'language') is null or d.language = app.text_of(p_filter, 'language'))
      and (app.text_of(p_filter, 'tag') is null or app.text_of(p_filter, 'tag') = any (d.tags))
      and (p_after is null or (d.created_at, d.id) < (
        (p_after ->> 'created_at')::timestamptz, (p_after ->> 'id')::uuid))
    order by d.created_at desc, d.id desc
    limit p_limit + 1
  ) as d;
  return jsonb_build_object(
    'access', app.access_json(v_access),
    'knowledge_version', (select t.knowledge_version from app.tenants as t where t.id = v_access.tenant_id),
    'index_version', (select t.index_version from app.tenants as t where t.id = v_access.tenant_id),
    'rows', case when jsonb_array_length(v_rows) > p_limit then v_rows - p_limit else v_rows end,
    'next', case when jsonb_array_length(v_rows) > p_limit then jsonb_build_object(
      'created_at', v_rows -> (p_limit - 1) -> 'created_at', 'id', v_rows -> (p_limit - 1) -> 'id') end);
end
$$;

call app.publish_function('api.add_document', 'authenticated');
call app.publish_function('api.delete_document', 'authenticated');
call app.publish_function('api.read_document', 'authenticated');
call app.publish_function('api.list_documents', 'authenticated');
