// Supabase Lite (npm `@supabase/lite`) in one process for many databases: PostgREST, Auth and, where asked for, Storage.
// argv: the folder node_modules. The first line on stdout is the port of the control server on loopback, which takes
// POST /open {host, port, user, database, auth, storage} -> {url}, POST /close {url} and GET /mail?url=...
// The process ends when its stdin does, so it outlives nobody.
import { AsyncLocalStorage } from "node:async_hooks";
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const modules = process.argv[2];
const load = (...path) => import(pathToFileURL(join(modules, ...path)).href);
const { App, InMemoryEmailDriver, getAuthSchemaSql, getStorageSchemaSql, setExperimental } = await load(
  "@supabase", "lite", "dist", "index.js");
const { createPostgresConnection } = await load("@supabase", "lite", "dist", "db", "postgres", "PostgresConnection.js");
const { getRequestListener } = await load("@hono", "node-server", "dist", "index.mjs");
setExperimental("storage", true);
for (const name of ["unhandledRejection", "uncaughtException"]) process.on(name, (error) => console.error(error));

// Google, as the addresses in Lite's code name it, at an emulator: Auth asks there for the code's token and the person.
// The emulator signs as itself, so its id_token is left out and Auth asks who it is.
let google = null;
const plainFetch = globalThis.fetch;
globalThis.fetch = async (asked, init) => {
  const { hostname, pathname } = new URL(asked.url ?? asked);
  if (!google || !/(^|\.)googleapis\.com$/.test(hostname)) return plainFetch(asked, init);
  const answer = await plainFetch(`${google}/oauth2/${pathname === "/token" ? "token" : "v2/userinfo"}`, init);
  const { id_token, ...told } = await answer.json();
  return Response.json({ id: told.sub, ...told }, { status: answer.status });
};

const asJson = (value) => (typeof value === "string" ? value : JSON.stringify(value));
const asTime = (text) => text.replace(" ", "T").replace(/([+-]\d\d)$/, "$1:00");
const TYPES = {
  json: { to: 114, from: [114], serialize: asJson, parse: JSON.parse },
  jsonb: { to: 3802, from: [3802], serialize: asJson, parse: JSON.parse },
  timestamptz: { to: 1184, from: [1184], serialize: (value) => value, parse: asTime },
};
const refused = new AsyncLocalStorage(); // what the database said during a request
const shared = new Map(); // what databases hold, by their schema: clones of one template are looked at once
const opened = new Map();

/** Lite makes its Auth tables only where there are none; here a smaller auth.users is there before. */
const missingColumns = (sql) => {
  const [, body] = /CREATE TABLE IF NOT EXISTS auth\.users \(\n([\s\S]*?)\n\);/.exec(sql);
  const columns = [];
  for (const line of body.split("\n")) {
    if (/^[a-z_]+\s/.test(line)) columns.push(line);
    else columns[columns.length - 1] += ` ${line}`;
  }
  const named = columns.filter((column) => !column.startsWith("confirmed_at"));
  const computed = columns.filter((column) => column.startsWith("confirmed_at"));
  const added = [...named, ...computed].map((column) => column.replace(/\s*--.*$/, "").replace(/,\s*$/, ""));
  return `alter table auth.users ${added.map((one) => `add column if not exists ${one}`).join(", ")};`;
};
const AUTH_TABLES = ["sessions", "refresh_tokens", "identities", "flow_state", "audit_log_entries"];
const OPEN_NOTHING = AUTH_TABLES.map((name) => `alter table auth.${name} enable row level security;`).join("\n");
const OPEN_STORAGE = `
  alter table storage.buckets enable row level security;
  alter table storage.objects enable row level security;
  grant usage on schema storage to anon, authenticated, service_role;
  grant all on all tables in schema storage to anon, authenticated, service_role;`;
const provision = () => {
  const sql = getAuthSchemaSql();
  return `${missingColumns(sql)}\n${sql}\n${OPEN_NOTHING}`;
};

/** Objects in memory, for as long as the database is open. */
class Memory {
  driver = null;
  objects = new Map();
  key = (bucket, key) => `${bucket}\n${key}`;
  find(bucket, key) {
    const found = this.objects.get(this.key(bucket, key));
    if (!found) throw Object.assign(new Error("Object not found"), { code: "ENOENT", httpStatusCode: 404 });
    return found;
  }
  async getObject(bucket, key) {
    const { body, metadata } = this.find(bucket, key);
    return { metadata, httpStatusCode: 200, body: new Blob([body]).stream() };
  }
  async uploadObject(bucket, key, _version, body, mimetype, cacheControl) {
    const bytes = Buffer.from(await new Response(body).arrayBuffer());
    const eTag = `"${createHash("md5").update(bytes).digest("hex")}"`;
    const metadata = { cacheControl, contentLength: bytes.length, size: bytes.length, mimetype, eTag,
      lastModified: new Date(), httpStatusCode: 200 };
    this.objects.set(this.key(bucket, key), { body: bytes, metadata });
    return metadata;
  }
  async deleteObject(bucket, key) { this.objects.delete(this.key(bucket, key)); }
  async deleteObjects(bucket, keys) { keys.forEach((key) => this.objects.delete(this.key(bucket, key))); }
  async copyObject(bucket, key, _version, otherBucket, otherKey) {
    const found = this.find(bucket, key);
    this.objects.set(this.key(otherBucket, otherKey), found);
    return found.metadata;
  }
  async headObject(bucket, key) { return this.find(bucket, key).metadata; }
  async privateAssetUrl(bucket, key) { return `memory:${bucket}/${key}`; }
}

/** A string for a parameter of type jsonb is a string to PostgREST; Lite would read it as JSON. */
const quoteStrings = async (request, connection) => {
  const name = /^\/rest\/v1\/rpc\/([a-z0-9_]+)$/.exec(new URL(request.url).pathname)?.[1];
  if (!name || request.method !== "POST") return request;
  const text = await request.text();
  const again = (body) => new Request(request.url, { method: "POST", headers: request.headers, body });
  let params;
  try {
    params = JSON.parse(text);
  } catch {
    return again(text);
  }
  const known = (await connection.introspect({ useCache: true })).functions ?? [];
  const wanted = known.find((one) => one.name === name && one.schema === "public");
  if (!wanted || !params || typeof params !== "object" || Array.isArray(params)) return again(text);
  const isJson = (key) => ["json", "jsonb"].includes(wanted.arg_types[wanted.arg_names.indexOf(key)]);
  const bare = Object.keys(params).filter((key) => typeof params[key] === "string" && isJson(key));
  if (!bare.length) return again(text);
  for (const key of bare) params[key] = JSON.stringify(params[key]);
  return again(JSON.stringify(params));
};

/** Auth looks for the code of type "email" among those of sign-ups and of links; Lite, whose documents say so too, refuses the type. */
const verifyCode = async (request, fetch) => {
  if (request.method !== "POST" || new URL(request.url).pathname !== "/auth/v1/verify") return fetch(request);
  const body = await request.json().catch(() => null);
  const as = (type) => new Request(request.url, { method: "POST", headers: request.headers, body: JSON.stringify({ ...body, type }) });
  if (body?.type !== "email") return fetch(as(body?.type));
  const first = await fetch(as("signup"));
  return first.ok ? first : fetch(as("magiclink"));
};

/** PostgREST gives no content for a function that returns nothing (void); Lite gives an empty list. */
const emptyVoid = async (request, response, connection) => {
  const name = /^\/rest\/v1\/rpc\/([a-z0-9_]+)$/.exec(new URL(request.url).pathname)?.[1];
  if (!name || response.status !== 200) return response;
  const known = (await connection.introspect({ useCache: true })).functions ?? [];
  const isVoid = known.some((one) => one.name === name && one.schema === "public" && one.return_type === "void");
  return isVoid ? new Response(null, { status: 204 }) : response;
};

/** Lite answers "SUP" for SQLSTATEs that it does not know; PostgREST names them (its table of HTTP status codes). */
const nameCode = async (response, error) => {
  if (!error?.code || response.status !== 500) return response;
  const answer = await response.clone().json().catch(() => null);
  if (answer?.code !== "SUP") return response;
  const status = error.code === "P0001" ? 400 : error.code.startsWith("28") ? 403 : 500;
  return Response.json({ code: error.code, message: error.message, details: error.detail ?? null,
    hint: error.hint ?? null }, { status });
};

const open = async ({ host, port, user, database, auth, storage, keys, google_url }) => {
  google = google_url ?? google;
  const connection = createPostgresConnection({ postgresOptions: {
    host, port, username: user, database, max: 8, onnotice: () => {}, types: TYPES } });
  connection.rlsState = "active"; // else it grants everything to everybody: the migrations say who may what
  connection.normalizeDbError = (error) => {
    const store = refused.getStore();
    if (store) store.error = error;
    return error;
  };
  if (auth) await connection.driver.unsafe(provision());
  if (storage) await connection.driver.unsafe(`${getStorageSchemaSql()}\n${OPEN_STORAGE}`);
  const [{ schema }] = await connection.driver`
    select md5(string_agg(o.oid::text || o.xmin::text, ',' order by o.oid)) as schema from (
      select p.oid, p.xmin from pg_catalog.pg_proc p where p.pronamespace = 'public'::regnamespace
      union all select c.oid, c.xmin from pg_catalog.pg_class c where c.relkind in ('r', 'v')) o`;
  if (shared.has(schema)) connection.introspection = await shared.get(schema);
  else shared.set(schema, connection.introspect({ useCache: false }));
  connection.introspection ??= await shared.get(schema);
  const server = createServer();
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const url = `http://127.0.0.1:${server.address().port}`;
  const mail = new InMemoryEmailDriver();
  const app = new App({
    connection,
    api: { enabled: true, port: server.address().port, schemas: ["public"], external_url: url },
    auth: { enabled: true, site_url: "http://127.0.0.1", ...keys, ...(typeof auth === "object" ? auth : {}) },
    storage: { enabled: Boolean(storage), ...(typeof storage === "object" ? storage : {}) },
    options: { server: { admin: false }, drivers: { email: mail } },
  });
  if (storage) app._storageAdapter = new Memory();
  await app.init();
  server.on("request", getRequestListener(async (request) => {
    const store = {};
    return refused.run(store, async () => {
      const asked = await quoteStrings(request, connection);
      const response = await verifyCode(asked, (one) => app.fetch(one, { peerAddress: null }));
      return emptyVoid(asked, await nameCode(response, store.error), connection);
    });
  }));
  opened.set(url, { server, connection, mail });
  return { url };
};

const close = async ({ url }) => {
  const { server, connection } = opened.get(url);
  opened.delete(url);
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
  await connection.driver.end({ timeout: 1 });
  return {};
};

const control = createServer((request, response) => {
  let body = "";
  request.on("data", (chunk) => (body += chunk));
  request.on("end", async () => {
    try {
      const { pathname, searchParams } = new URL(request.url, "http://127.0.0.1");
      const mail = () => Object.fromEntries(opened.get(searchParams.get("url")).mail.messages);
      const answer = pathname === "/mail" ? mail() : await { "/open": open, "/close": close }[pathname](JSON.parse(body));
      response.end(JSON.stringify(answer));
    } catch (error) {
      response.statusCode = 400;
      response.end(String(error?.stack ?? error));
    }
  });
});
control.listen(0, "127.0.0.1", () => process.stdout.write(`${control.address().port}\n`));
process.stdin.on("end", () => process.exit(0)).resume();
