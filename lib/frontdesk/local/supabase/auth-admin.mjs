// The routes of GoTrue's admin API that Frontdesk calls: invite, create, list, read and delete users.
// Same paths, same bodies, same status codes as hosted, so that the same client code runs here.
// No mail is sent: an invited user exists at once.
import { randomUUID, timingSafeEqual } from "node:crypto";

const reply = (status, body) =>
  new Response(JSON.stringify(body), {
    status,
    headers: { "content-type": "application/json" },
  });
const failure = (status, error_code, msg) => reply(status, { code: status, error_code, msg });

const asUser = (row) => ({
  id: row.id,
  aud: row.aud,
  role: row.role,
  email: row.email,
  phone: row.phone ?? "",
  email_confirmed_at: row.email_confirmed_at,
  invited_at: row.invited_at,
  last_sign_in_at: row.last_sign_in_at,
  app_metadata: row.raw_app_meta_data ?? {},
  user_metadata: row.raw_user_meta_data ?? {},
  identities: [],
  created_at: row.created_at,
  updated_at: row.updated_at,
  is_anonymous: row.is_anonymous,
});

const holds = (given, key) => {
  const [a, b] = [Buffer.from(given ?? ""), Buffer.from(key)];
  return a.length === b.length && timingSafeEqual(a, b);
};

/**
 * @param sql a postgres.js client whose role owns auth.users
 * @param key the project's secret key, wanted in `apikey` or as bearer token
 * @returns async (Request) => Response | null; null when the path is not an admin route
 */
export function authAdmin(sql, key) {
  const create = async (body, invited) => {
    const email = String(body.email ?? "").trim().toLowerCase();
    if (!/^[^@\s]+@[^@\s]+$/.test(email)) {
      return failure(400, "validation_failed", "Unable to validate email address: invalid format");
    }
    const now = new Date();
    const [row] = await sql`
      insert into auth.users (id, email, email_confirmed_at, invited_at, raw_app_meta_data, raw_user_meta_data)
      values (
        ${body.id ?? randomUUID()}, ${email}, ${body.email_confirm ? now : null}, ${invited ? now : null},
        ${sql.json(body.app_metadata ?? { provider: "email", providers: ["email"] })},
        ${sql.json(body.user_metadata ?? body.data ?? {})}
      )
      on conflict (email) where is_sso_user = false do nothing
      returning *`;
    return row
      ? reply(200, asUser(row))
      : failure(422, "email_exists", "A user with this email address has already been registered");
  };

  const list = async (query) => {
    const size = Math.min(Number(query.get("per_page") || 50), 1000);
    const page = Math.max(Number(query.get("page") || 1), 1);
    const rows = await sql`
      select * from auth.users order by created_at desc, id limit ${size} offset ${(page - 1) * size}`;
    return reply(200, { users: rows.map(asUser), aud: "authenticated" });
  };

  const one = async (method, id, body) => {
    const missing = failure(404, "user_not_found", "User not found");
    if (!/^[0-9a-f-]{36}$/i.test(id)) return missing;
    let rows = [];
    if (method === "GET") rows = await sql`select * from auth.users where id = ${id}`;
    if (method === "DELETE") rows = await sql`delete from auth.users where id = ${id} returning *`;
    if (method === "PUT") {
      rows = await sql`
        update auth.users set
          email = coalesce(${body.email?.toLowerCase() ?? null}, email),
          raw_app_meta_data = raw_app_meta_data || ${sql.json(body.app_metadata ?? {})},
          raw_user_meta_data = raw_user_meta_data || ${sql.json(body.user_metadata ?? {})},
          updated_at = now()
        where id = ${id} returning *`;
    }
    if (rows.length === 0) return missing;
    return reply(200, method === "DELETE" ? {} : asUser(rows[0]));
  };

  const route = async (method, path, request, query) => {
    const body = ["POST", "PUT"].includes(method) ? await request.json().catch(() => ({})) : {};
    if (path === "/auth/v1/invite" && method === "POST") return create(body, true);
    const rest = path.slice("/auth/v1/admin/users".length);
    if (rest === "" && method === "POST") return create(body, false);
    if (rest === "" && method === "GET") return list(query);
    if (rest.startsWith("/") && ["GET", "PUT", "DELETE"].includes(method)) {
      return one(method, rest.slice(1), body);
    }
    return failure(405, "method_not_allowed", "Method not allowed");
  };

  return async (request) => {
    const url = new URL(request.url);
    if (url.pathname !== "/auth/v1/invite" && !/^\/auth\/v1\/admin\/users(\/|$)/.test(url.pathname)) {
      return null;
    }
    const bearer = request.headers.get("authorization")?.replace(/^Bearer /i, "");
    if (!holds(request.headers.get("apikey"), key) && !holds(bearer, key)) {
      return failure(403, "not_admin", "User not allowed");
    }
    return route(request.method, url.pathname, request, url.searchParams);
  };
}
