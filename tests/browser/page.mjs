// A page in a Chromium of its own, served from a folder of static files.

import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import path from "node:path";
import { chromium } from "playwright-core";
import { FLAGS } from "./browser.mjs";

const TYPES = { ".html": "text/html", ".js": "text/javascript", ".wasm": "application/wasm" };

/** Opens the folder's index.html, and gives what `use` makes of the page. An error in the page rejects. */
export async function withPage(folder, use) {
  const server = createServer(async (request, response) => {
    const file = request.url === "/" ? "index.html" : new URL(request.url, "http://page").pathname.slice(1);
    try {
      const content = await readFile(path.join(folder, file));
      response.writeHead(200, { "content-type": TYPES[path.extname(file)] ?? "application/octet-stream" }).end(content);
    } catch {
      // A page asks for its icon by itself.
      response.writeHead(file === "favicon.ico" ? 204 : 404).end();
    }
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const browser = await chromium.launch({ executablePath: process.env.CHROME, args: FLAGS });
  try {
    const page = await browser.newPage();
    const failed = new Promise((_, reject) => page.once("pageerror", reject));
    failed.catch(() => {});
    await page.goto(`http://127.0.0.1:${server.address().port}/`);
    return await Promise.race([use(page), failed]);
  } finally {
    await browser.close();
    server.closeAllConnections();
    server.close();
  }
}
