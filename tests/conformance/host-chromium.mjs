// A page and a service worker in Chromium. The scripted service is of another origin than they are.

import { writeFile } from "node:fs/promises";
import path from "node:path";
import { withPage } from "../browser/page.mjs";
import { bundle } from "../packed.mjs";

/** Runs the suite in a page, and gives its results. */
export async function runPage(folder, runner, given) {
  await bundle(folder, runner, { outdir: "page" });
  await writeFile(path.join(folder, "page/index.html"), '<script type="module" src="/main.js"></script>');
  return withPage(path.join(folder, "page"), (page) => page.evaluate((given) => globalThis.run(given), given));
}

/** Runs the suite in a service worker, and gives its results. */
export async function runServiceWorker(folder, runner, given) {
  await bundle(folder, runner, { outdir: "service-worker" });
  await writeFile(path.join(folder, "service-worker/index.html"), "<title>Only a service worker</title>");
  return withPage(path.join(folder, "service-worker"), (page) => page.evaluate(askServiceWorker, given));
}

/** Runs in the page. */
async function askServiceWorker(given) {
  await navigator.serviceWorker.register("/main.js");
  const { active } = await navigator.serviceWorker.ready;
  const { port1, port2 } = new MessageChannel();
  const answer = new Promise((resolve) => (port1.onmessage = ({ data }) => resolve(data)));
  active.postMessage(given, [port2]);
  return answer;
}
