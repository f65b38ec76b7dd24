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

    #[test]
    fn a_value_is_read_as_dotenv_reads_it() {
        for (file, value) in [
            ("S=abc", "abc"),
            ("S = abc \r\nT=1\r\n", "abc"),
            ("  export S=abc", "abc"),
            ("S=abc # mine", "abc"),
            ("S=abc#mine", "abc"),
            ("S=a=b==", "a=b=="),
            ("S=\"a # b\" # mine", "a # b"),
            ("S='a # b'# mine", "a # b"),
            ("S=`it's \"it\"`", "it's \"it\""),
            ("S=\"a\\nb\"", "a\nb"),
            ("S='a\\nb'", "a\\nb"),
            ("S=\"say \\\"a\\\"\"", "say \\\"a\\\""),
            ("S=\"a\nb\"\nT=1", "a\nb"),
            ("S=", ""),
            ("S=\"\"", ""),
            ("S=first\nS=last", "last"),
            ("S=last\n# S=comment\nS.x=1\nxS=1\nexports=1\nS-2=1", "last"),
            ("T=\"\nS=inside\n\"\nS=real", "real"),
            ("S=real\nT='\nS=inside\n'", "real"),
            ("not a setting\n\nS=abc", "abc"),
            ("S=\"open", "\"open"),
            ("S=\"a\" b", "\"a\" b"),
        ] {
            assert_eq!(setting(file, "S").as_deref(), Some(value), "{file}");
        }
    }

    #[test]
    fn what_is_not_set_is_not_found() {
        for file in ["", "\n", "# S=1", "S", "S 1", "T=S=1", "exportS=1", "=", "é=1", "\"S\"=1"] {
            assert_eq!(setting(file, "S"), None, "{file}");
        }
    }
}
