// Finds the snippets: fenced code in pages, and in the doc comments of TypeScript sources.
//
// A comment in front of a fence says what cannot be done with it, and why:
//   <!-- check only: reason -->   it is compiled, and not run
//   <!-- unchecked: reason -->    it is neither
// In a snippet that runs, `console.log(...); // text` says what is printed.

import { readFile } from "node:fs/promises";

/** What is checked, and what is prose or for a shell. Another word after a fence is an error. */
const LANGUAGES = { ts: "ts", tsx: "ts", js: "ts", rust: "rust", python: "python" };
const PROSE = ["sh", "text", "toml", "json"];

/** The snippets of a file: `{ name, language, code, mode, reason }`. */
export async function snippetsOf(root, file) {
  const text = await readFile(new URL(file, root), "utf8");
  return readPage(file.endsWith(".ts") ? commentsOnly(text) : text, file);
}

/** The same text with everything but the doc comments blanked, so that lines keep their numbers. */
function commentsOnly(source) {
  let isInComment = false;
  return source
    .split("\n")
    .map((line) => {
      isInComment ||= /^\s*\/\*\*/.test(line);
      const kept = isInComment ? line.replace(/^\s*\/?\*+(?!\/) ?/, "").replace(/\s*\*\/.*$/, "") : "";
      isInComment &&= !line.includes("*/");
      return kept;
    })
    .join("\n");
}

function readPage(text, file) {
  const lines = text.split("\n");
  const snippets = [];
  let remark;
  for (let at = 0; at < lines.length; at++) {
    const fence = /^(\s*)```(\S*)\s*$/.exec(lines[at]);
    remark = /^\s*<!-- (check only|unchecked): (.+) -->$/.exec(lines[at]) ?? (lines[at].trim() === "" || fence ? remark : undefined);
    if (fence === null) {
      continue;
    }
    const [, indent, word] = fence;
    const end = lines.findIndex((line, index) => index > at && line.trim() === "```");
    if (end < 0) {
      throw new Error(`${file}:${at + 1}: the fence does not close.`);
    }
    const [language] = word.split(",");
    if (language in LANGUAGES) {
      const code = lines.slice(at + 1, end).map((line) => line.slice(indent.length)).join("\n");
      const mode = { "check only": "check", unchecked: "skip" }[remark?.[1]] ?? "run";
      snippets.push({ name: `${file}:${at + 1}`, language: LANGUAGES[language], code, mode, reason: remark?.[2] });
    } else if (!PROSE.includes(language) && remark?.[1] !== "unchecked") {
      throw new Error(`${file}:${at + 1}: what language is "${word}"? A fence needs one of ${Object.keys(LANGUAGES)}, ${PROSE}.`);
    } else if (remark !== undefined) {
      snippets.push({ name: `${file}:${at + 1}`, language, code: "", mode: "skip", reason: remark[2] });
    }
    remark = undefined;
    at = end;
  }
  return snippets;
}
