// What people do on the demo page.

import { waitForText } from "./browser.mjs";

export async function connectAs(page, name, groups) {
  await fillIn(page, name, groups);
  await page.getByRole("button", { name: "Connect" }).click();
  await waitForText(page.locator("#state"), /^Connected$/);
}

/** Once the page knows its mode, it suggests nothing more. */
export async function fillIn(page, name, groups = "lobby, builders") {
  await waitForText(page.locator("#mode"), /emulator/);
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByLabel("Groups to ask for").fill(groups);
}

export const messages = (page) => page.locator("#messages");

export async function join(page, group) {
  await page.getByRole("button", { name: `Join ${group}` }).click();
  await page.getByRole("button", { name: `Leave ${group}` }).waitFor();
}

/** Sends, and waits for the page's sign that it went, which is the emptied field, or for an error. */
export async function send(page, destination, text) {
  const option = page.locator("#to option", { hasText: destination });
  await page.getByLabel("To", { exact: true }).selectOption(await option.getAttribute("value"));
  await page.getByLabel("Message", { exact: true }).fill(text);
  await page.getByRole("button", { name: "Send" }).click();
  await page.waitForFunction(() => {
    return document.querySelector("#text").value === "" || document.querySelector("#send-note.error");
  });
}
