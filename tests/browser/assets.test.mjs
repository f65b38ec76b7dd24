// The files of www/ while `wrangler dev` runs: what is added, changed or deleted shows at the next look.

import assert from "node:assert/strict";
import { rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { eventually, startWorker } from "../harness.mjs";
import { copyProject } from "./project.mjs";

describe("files of the page", () => {
  let project;
  let worker;
  before(async () => {
    project = await copyProject();
    worker = await startWorker({ env: "local", project: project.folder });
  });
  after(async () => {
    await worker?.stop();
    await project?.remove();
  });

  test("a file that is added, changed and deleted is served so", async () => {
    const file = path.join(project.folder, "www/added.js");
    const look = (headers) => fetch(`${worker.origin}/added.js`, { headers });
    assert.equal((await look()).status, 404);
    await writeFile(file, "1");
    const added = await eventually(() => look().then((answer) => answer.ok && answer), "the added file");
    assert.equal(await added.text(), "1");

    const seen = { "If-None-Match": added.headers.get("ETag") };
    assert.equal((await look(seen)).status, 304);
    await writeFile(file, "2");
    const changed = await eventually(() => look(seen).then((answer) => answer.ok && answer), "the changed file");
    assert.equal(await changed.text(), "2");

    await rm(file);
    await eventually(() => look().then(({ status }) => status === 404), "the deleted file to go");
  });
});
