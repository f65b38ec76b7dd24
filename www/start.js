// Starts the page, or says which file is missing. The browser itself reports a missing module only on its console.

import { byId, say } from "./dom.js";

/** A build makes this file, so a fresh copy of www/ does not have it. */
const CLIENT = "webpubsub-edge/entrypoints/client.js";

import("./app.js").catch(async (error) => {
  const response = await fetch(`/${CLIENT}`).catch(() => undefined);
  const problem = response?.ok
    ? `The page could not start: ${error.message}`
    : `The file www/${CLIENT} is missing. Build it, in a copy of the template with “npm run build:page”, and reload this page.`;
  say(byId("connect-note"), problem, "not_built");
});
