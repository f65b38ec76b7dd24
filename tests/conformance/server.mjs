// A service that answers by script, over real sockets. The script stands in the endpoint's base path, so every test
// has its own: `/429:5,202/name` answers 429 with `retry-after-ms: 5` once, then 202 to every further request.

import { createServer } from "node:http";

const json = (response, body) =>
  response.writeHead(200, { "content-type": "application/json; charset=utf-8" }).end(JSON.stringify(body));

const ANSWERS = {
  // Three pages of connections; the link of a page names the next one.
  pages: (request, response) => {
    const { pathname, searchParams } = new URL(request.url, `http://${request.headers.host}`);
    const page = Number(searchParams.get("continuationToken") ?? 0);
    const link = `http://${request.headers.host}${pathname}?api-version=2024-12-01&continuationToken=${page + 1}`;
    const value = [{ connectionId: `c${page}`, userId: page === 0 ? null : `u${page}` }];
    json(response, { value, ...(page < 2 && { nextLink: link }) });
  },
  // A page whose link leads to another host.
  astray: (_request, response) =>
    json(response, { value: [], nextLink: "http://127.0.0.2:1/api/hubs/hub/groups/g/connections" }),
  token: (_request, response) => json(response, { token: "minted-by-the-service" }),
  // A challenge for more claims, as Entra ID's continuous access evaluation sends it.
  challenge: (_request, response) =>
    response.writeHead(401, { "www-authenticate": `Bearer error="x", claims="${btoa('{"a":1}')}"` }).end(),
  hang: () => {},
  endless: (_request, response) => {
    const chunk = Buffer.alloc(65_536, " ");
    const write = () => {
      while (!response.destroyed && response.write(chunk));
    };
    response.on("drain", write);
    write();
  },
  cut: (_request, response) => response.socket.destroy(),
  redirect: (request, response) => response.writeHead(307, { location: request.url.replace("/redirect/", "/202/") }).end(),
  html: (_request, response) => response.writeHead(502, { "content-type": "text/html" }).end("<h1>Bad gateway</h1>"),
  bad: (_request, response) =>
    response
      .writeHead(400, { "content-type": "application/json; charset=utf-8" })
      .end('{"code":"Error.BadRequest","message":"Invalid syntax.","target":"filter","details":null,"inner":null}'),
  problem: (_request, response) =>
    response
      .writeHead(400, { "content-type": "application/problem+json; charset=utf-8", "x-ms-error-code": "Error.FromHeader" })
      .end('{"title":"One or more validation errors occurred.","status":400,"errors":{"filter":["Bad."]}}'),
};

/**
 * Who sends a request again without being asked, when a connection that served an earlier one ends without an answer.
 * The tests are about what this package sends, so these get a new connection for each request.
 */
const SENDS_AGAIN = /^Deno|Chrome/;

/** What a page of another origin needs, and reads. Nothing of it is recorded. */
function allowOrigin(response) {
  for (const [name, value] of Object.entries({
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "*",
    // A star does not stand for authorization.
    "access-control-allow-headers": "*, authorization",
    "access-control-expose-headers": "*",
  })) {
    response.setHeader(name, value);
  }
}

/** Starts it on a free port; gives its origin, and what closes it. */
export async function startServer() {
  const recorded = new Map();
  const server = createServer(async (request, response) => {
    const [, script, name] = request.url.split("/");
    if (request.headers.origin !== undefined) {
      allowOrigin(response);
    }
    if (SENDS_AGAIN.test(request.headers["user-agent"])) {
      response.setHeader("connection", "close");
    }
    if (request.method === "OPTIONS") {
      response.writeHead(204).end();
      return;
    }
    if (script === "recorded") {
      response.end(JSON.stringify(recorded.get(name) ?? []));
      return;
    }
    const chunks = [];
    for await (const chunk of request) {
      chunks.push(chunk);
    }
    const { method, url, headers } = request;
    const seen = recorded.get(name) ?? [];
    recorded.set(name, [...seen, { method, url, headers, body: Buffer.concat(chunks).toString("base64") }]);
    const answers = decodeURIComponent(script).split(",");
    const answer = answers[Math.min(seen.length, answers.length - 1)];
    if (answer in ANSWERS) {
      ANSWERS[answer](request, response);
    } else {
      const [status, wait] = answer.split(":");
      response.writeHead(Number(status), wait === undefined ? {} : { "retry-after-ms": wait }).end();
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  return { origin: `http://127.0.0.1:${server.address().port}`, close };
}
