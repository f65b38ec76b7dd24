// What the page can break in the local emulator, to see the client mend it.

import { element } from "./dom.js";

const FAULTS = {
  "Cut the socket": { type: "cut" },
};

/** A button for each fault; `inject(body)` is called with what the emulator is to do. */
export function faultButtons(inject) {
  return Object.entries(FAULTS).map(([label, body]) => {
    const button = element("button", { type: "button" }, label);
    button.addEventListener("click", () => inject(body));
    return button;
  });
}
