//! Reads `.dev.vars` as wrangler does, which reads it with the npm package dotenv.

/// The value of a setting; of several, the last.
pub fn setting(file: &str, name: &str) -> Option<String> {
    let mut found = None;
    let mut rest = file;
    while !rest.is_empty() {
        rest = match Assignment::read(rest) {
            Some(assignment) => {
                if assignment.name == name {
                    found = Some(assignment.value);
                }
                assignment.after
            }
            None => line(rest).1,
        };
    }
    found
}

struct Assignment<'a> {
    name: &'a str,
    value: String,
    /// What follows it in the file.
    after: &'a str,
}

impl<'a> Assignment<'a> {
    /// `NAME=value`, also behind `export`; `None` when the first line is something else.
    fn read(text: &'a str) -> Option<Self> {
        let text = blanks(text);
        let text = text.strip_prefix("export").filter(|rest| rest.starts_with(BLANKS)).map_or(text, blanks);
        let is_part = |character: char| character.is_ascii_alphanumeric() || "_.-".contains(character);
        let (name, rest) = text.split_at(text.find(|character| !is_part(character)).unwrap_or(text.len()));
        let written = blanks(blanks(rest).strip_prefix('=')?);
        if let Some((value, after)) = quoted(written) {
            return Some(Assignment { name, value, after });
        }
        let (first, after) = line(written);
        let value = first.split('#').next().unwrap_or_default().trim();
        Some(Assignment { name, value: value.to_owned(), after })
    }
}

/// A value in quotes, which may go over several lines and be followed by a comment; and the lines after it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let quote = text.chars().next().filter(|first| "\"'`".contains(*first))?;
    let inner = text.strip_prefix(quote)?;
    let is_end = |at: &usize| !inner[..*at].ends_with('\\');
    let end = inner.match_indices(quote).map(|(at, _)| at).find(is_end)?;
    let (rest, after) = line(&inner[end + quote.len_utf8()..]);
    let comment = rest.trim();
    if !comment.is_empty() && !comment.starts_with('#') {
        return None;
    }
    let value = &inner[..end];
    // Only double quotes give these two a meaning, and nothing gives the others one.
    let value = if quote == '"' { value.replace("\\n", "\n").replace("\\r", "\r") } else { value.to_owned() };
    Some((value, after))
}

const BLANKS: [char; 2] = [' ', '\t'];

fn blanks(text: &str) -> &str {
    text.trim_start_matches(BLANKS)
}

/// The first line, and what follows it.
fn line(text: &str) -> (&str, &str) {
    text.split_once('\n').unwrap_or((text, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `pkg/src/cli/dev-vars.ts` reads the same cases.
    #[test]
    fn a_value_is_read_as_dotenv_reads_it() {
        let vectors = include_str!("../../../tests/vectors/session.json");
        let vectors: serde_json::Value = serde_json::from_str(vectors).unwrap_or_default();
        let cases = vectors["devVars"].as_array().map(Vec::as_slice).unwrap_or_default();
        assert!(cases.len() > 20);
        for case in cases {
            let file = case["file"].as_str().unwrap_or_default();
            assert_eq!(setting(file, "S").as_deref(), case["value"].as_str(), "{file}");
        }
    }
}
