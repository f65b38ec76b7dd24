/** A value in quotes can go over several lines. A value without quotes ends at a `#`. */
const VALUE = /'(?:\\'|[^'])*'|"(?:\\"|[^"])*"|`(?:\\`|[^`])*`|[^#\r\n]+/;

const ASSIGNMENT = new RegExp(`^[ \\t]*(?:export[ \\t]+)?([\\w.-]+)[ \\t]*=[ \\t]*(${VALUE.source})?[ \\t]*(?:#.*)?\\r?$`, "gm");

/**
 * Returns the value of a setting in the text of a `.dev.vars` file, as wrangler reads it with the npm package dotenv. Of
 * several values, the last counts.
 */
export function settingIn(file: string, name: string): string | undefined {
  let found: string | undefined;
  for (const [, key, written = ""] of file.matchAll(ASSIGNMENT)) {
    if (key === name) found = valueOf(written.trim());
  }
  return found;
}

function valueOf(written: string): string {
  const value = written.replace(/^(['"`])([\s\S]*)\1$/, "$2");
  // Only double quotes give these two a meaning.
  return written.startsWith('"') ? value.replace(/\\n/g, "\n").replace(/\\r/g, "\r") : value;
}
