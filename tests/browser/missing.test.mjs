// The demo page without the files that the build makes.

import { rm } from "node:fs/promises";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { startWorker } from "../harness.mjs";
import { skip, useBrowser, waitForText } from "./browser.mjs";
import { copyProject } from "./project.mjs";

describe("demo page without its client", { skip }, () => {
  const openTab = useBrowser();
  let project;
  let worker;
  before(async () => {
    project = await copyProject();
    await rm(path.join(project.folder, "www/webpubsub-edge"), { recursive: true });
    worker = await startWorker({ env: "local", project: project.folder });
  });
  after(async () => {
    await worker?.stop();
    await project?.remove();
  });

  test("the page says which file is missing, and what to do", async (t) => {
    const page = await openTab(t, worker.origin, { expected: /404/ });
    await waitForText(page.locator("#connect-note"), /^not_built The file www\/webpubsub-edge\/entrypoints\/client\.js is missing\. Build it.*npm run build:page/);
  });
});
