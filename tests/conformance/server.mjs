// A service that answers by script, over real sockets. The script stands in the endpoint's base path, so every test
// has its own: `/429:5,202/name` answers 429 with `retry-after-ms: 5` once, then 202 to every further request.

import { createServer } from "node:http";

const ANSWERS = {
  hang: () => {},
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

/** Starts it on a free port; gives its origin, and what closes it. */
export async function startServer() {
  const recorded = new Map();
  const server = createServer(async (request, response) => {
    const [, script, name] = request.url.split("/");
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
