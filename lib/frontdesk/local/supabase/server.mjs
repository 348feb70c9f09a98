// The Supabase API on a laptop: @supabase/lite's PostgREST and GoTrue over the embedded Postgres,
// hardened, plus the part of GoTrue's admin API that provisioning needs and lite lacks.
//
// Everything it must know comes in the environment: API_PORT, DATABASE_URL, PUBLISHABLE_KEY,
// SECRET_KEY, JWT_SECRET, STATEMENT_TIMEOUT_MS.
import { serve } from "@hono/node-server";
import { App } from "@supabase/lite";
import { createPostgresConnection } from "@supabase/lite/postgres";
import postgres from "postgres";
import { authAdmin } from "./auth-admin.mjs";

const env = process.env;

// PostgREST prints timestamps as to_json does; the driver would print Postgres's own form.
const isoTimestamp = (text) => text.replace(" ", "T").replace(/([+-]\d\d)$/, "$1:00");
const type = (oid, parse) => ({
  to: oid,
  from: [oid],
  serialize: (value) => (value instanceof Date ? value.toISOString() : String(value)),
  parse,
});

// lite hands a function's JSON argument over as text, which the driver would make a JSON string of.
const json = (oid) => ({
  ...type(oid, JSON.parse),
  serialize: (value) => (typeof value === "string" ? value : JSON.stringify(value)),
});

const connection = await createPostgresConnection({
  url: env.DATABASE_URL,
  postgresOptions: {
    max: 16,
    onnotice: () => {},
    connection: { TimeZone: "UTC", statement_timeout: env.STATEMENT_TIMEOUT_MS },
    types: {
      timestamptz: type(1184, isoTimestamp),
      timestamp: type(1114, isoTimestamp),
      json: json(114),
      jsonb: json(3802),
    },
  },
});
// lite's own version grants everything to anon on the first request, and remembers for ever that
// row-level security is off when no table has it yet. Roles and migrations own the grants here.
connection.ensureRlsContext = async () => {
  connection.rlsState = "active";
  return true;
};

const app = await new App({
  api: { schemas: ["api"] },
  connection,
  db: { driver: "postgres", migrations: { enabled: false } }, // ours ran before
  auth: {
    enabled: true,
    jwt_secret: env.JWT_SECRET,
    jwt_expiry: 3600,
    enable_signup: false,
    publishable_key: env.PUBLISHABLE_KEY,
    secret_key: env.SECRET_KEY,
    email: { enable_confirmations: false },
  },
  options: { server: { admin: false } },
}).init();
await app.ensureSystemSchema(); // makes auth.users and its kin; without it a user's token is a 500

const admin = authAdmin(
  postgres(env.DATABASE_URL, { max: 2, onnotice: () => {} }),
  env.SECRET_KEY,
);

// PostgREST takes the first exposed schema when a request names none; lite would take `public`.
const withProfile = (request) => {
  const header = ["GET", "HEAD"].includes(request.method) ? "accept-profile" : "content-profile";
  if (!request.headers.has(header)) request.headers.set(header, "api");
  return request;
};

// lite lets a request from this machine without any key act as service_role. It does not take one
// for local whose peer address is unknown, so it is never told where a request came from.
const fetch = async (request) =>
  (await admin(request)) ?? app.fetch(withProfile(request), { peerAddress: null });

const server = serve(
  { port: Number(env.API_PORT), hostname: "127.0.0.1", fetch },
  () => console.log("ready"),
);
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.on(signal, () => {
    server.close();
    process.exit(0);
  });
}
process.on("unhandledRejection", (error) => console.error("unhandled rejection", error));
process.on("uncaughtException", (error) => {
  console.error(error);
  process.exit(1); // the supervisor starts it again
});
