// Google, Slack and Resend of the npm package `emulate` in one process, and a port that sets them back.
// argv: path of emulate's api.js, the ports of control, google, slack and resend, and the seed as JSON.
// POST / on the control port replaces the seed of the services it names, and begins all of them anew.
import { createServer } from "node:http";
import { pathToFileURL } from "node:url";

const [api, control, google, slack, resend, json] = process.argv.slice(2);
const { createEmulator } = await import(pathToFileURL(api).href);
const seed = JSON.parse(json);
const services = [];
for (const [service, port] of [["google", google], ["slack", slack], ["resend", resend]]) {
  services.push(await createEmulator({ service, port: Number(port), seed, baseUrl: `http://127.0.0.1:${port}` }));
}

const replace = (known, wanted) => {
  for (const name of Object.keys(known)) delete known[name];
  Object.assign(known, wanted);
};

createServer((request, response) => {
  let body = "";
  request.on("data", (chunk) => (body += chunk));
  request.on("end", () => {
    try {
      for (const [service, wanted] of Object.entries(JSON.parse(body || "{}"))) replace(seed[service], wanted);
      if (request.method === "POST") services.forEach((service) => service.reset());
      response.end("ok");
    } catch (error) {
      response.statusCode = 400;
      response.end(String(error));
    }
  });
}).listen(Number(control), "127.0.0.1");
