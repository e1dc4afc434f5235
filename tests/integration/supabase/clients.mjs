// Asks a Supabase project through @supabase/supabase-js. stdin: {modules, url, key, tokens: {who: token or null}, cases: [...]};
// stdout: one answer for each case, in order: {code, text, count}. A case names who asks, what is done, and with what.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const { modules, url, key, tokens, cases, together } = JSON.parse(readFileSync(0, "utf8"));
const entry = join(modules, "@supabase", "supabase-js", "dist", "index.mjs");
const { createClient } = await import(pathToFileURL(entry).href);

const clientOf = (token) =>
  createClient(url, key, {
    auth: { persistSession: false, autoRefreshToken: false },
    ...(token ? { accessToken: async () => token } : {}),
  });
const clients = Object.fromEntries(Object.entries(tokens).map(([who, token]) => [who, clientOf(token)]));

const ACTS = {
  call: (client, { name, params }) => client.rpc(name, params),
  select: (client, { name, columns, match }) => client.from(name).select(columns).match(match),
  insert: (client, { name, row }) => client.from(name).insert(row),
  update: (client, { name, row, match }) => client.from(name).update(row).match(match),
  delete: (client, { name, match }) => client.from(name).delete().match(match),
};

const ask = async (one) => {
  const client = one.schema ? clients[one.who].schema(one.schema) : clients[one.who];
  const { data, error } = await ACTS[one.act](client, one);
  if (error) return { code: error.code || "none", text: `${error.message} ${error.details ?? ""}`, count: 0 };
  return { code: "", text: JSON.stringify(data ?? null), count: Array.isArray(data) ? data.length : 0 };
};

const answers = [];
let next = 0;
const take = async () => {
  while (next < cases.length) {
    const place = next++;
    answers[place] = await ask(cases[place]);
  }
};
await Promise.all(Array.from({ length: together }, take));
process.stdout.write(JSON.stringify(answers));
