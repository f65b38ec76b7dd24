//! Cuts a filter into tokens.

use super::Problem;

/// A token, and where it begins and ends in the filter, in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) lexeme: Lexeme<'a>,
    pub(super) start: usize,
    pub(super) end: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Lexeme<'a> {
    /// A name, a path of names or a keyword.
    Word(&'a str),
    Text(String),
    Int(i64),
    Open,
    Close,
    Comma,
    /// Belongs to lambdas, which are only recognised to be refused by name.
    Colon,
    End,
}

pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Lexer<'a> {
        Lexer { text, at: 0 }
    }

    /// The next token; at the end of the filter always [`Lexeme::End`].
    pub(super) fn next(&mut self) -> Result<Token<'a>, Problem> {
        self.skip(char::is_whitespace);
        let start = self.at;
        let rest = self.rest();
        let lexeme = match rest.chars().next() {
            None => Lexeme::End,
            Some('(') => self.single(Lexeme::Open),
            Some(')') => self.single(Lexeme::Close),
            Some(',') => self.single(Lexeme::Comma),
            Some(':') => self.single(Lexeme::Colon),
            Some('\'') => Lexeme::Text(self.string()?),
            Some(first) if is_digit(first) || starts_signed_number(rest) => self.number()?,
            Some(first) if first.is_alphabetic() || first == '_' => {
                self.skip(|character| character.is_alphanumeric() || character == '_' || character == '/');
                Lexeme::Word(self.text.get(start..self.at).unwrap_or_default())
            }
            Some(other) => return Err(self.syntax_error(start.saturating_add(other.len_utf8()))),
        };
        Ok(Token { lexeme, start, end: self.at })
    }

    /// Says how far the filter could be read: to the end of what does not fit. Like the service it counts UTF-16 code
    /// units.
    pub(super) fn syntax_error(&self, end: usize) -> Problem {
        let position = self.text.get(..end).unwrap_or_default().encode_utf16().count();
        Problem { culprit: None, what: format!("Syntax error at position {position} in '{}'", self.text) }
    }

    /// A text up to its closing quote; two quotes stand for one.
    fn string(&mut self) -> Result<String, Problem> {
        let mut content = String::new();
        let mut rest = self.rest().strip_prefix('\'').unwrap_or_default();
        while let Some((before, after)) = rest.split_once('\'') {
            content.push_str(before);
            match after.strip_prefix('\'') {
                Some(more) => {
                    content.push('\'');
                    rest = more;
                }
                None => {
                    self.at = self.text.len().saturating_sub(after.len());
                    return Ok(content);
                }
            }
        }
        Err(self.syntax_error(self.text.len()))
    }

    fn number(&mut self) -> Result<Lexeme<'a>, Problem> {
        let start = self.at;
        self.at = self.at.saturating_add(1);
        self.skip(is_digit);
        let digits = self.text.get(start..self.at).unwrap_or_default();
        digits.parse().map(Lexeme::Int).map_err(|_| self.syntax_error(self.at))
    }

    fn single(&mut self, lexeme: Lexeme<'a>) -> Lexeme<'a> {
        self.at = self.at.saturating_add(1);
        lexeme
    }

    fn skip(&mut self, what: impl Fn(char) -> bool) {
        self.at = self.text.len().saturating_sub(self.rest().trim_start_matches(what).len());
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }
}

fn is_digit(character: char) -> bool {
    character.is_ascii_digit()
}

fn starts_signed_number(text: &str) -> bool {
    text.strip_prefix(['+', '-']).is_some_and(|number| number.starts_with(is_digit))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn lexemes(text: &str) -> Result<Vec<Lexeme<'_>>, Problem> {
        let mut lexer = Lexer::new(text);
        let mut all = Vec::new();
        loop {
            match lexer.next()?.lexeme {
                Lexeme::End => return Ok(all),
                lexeme => all.push(lexeme),
            }
        }
    }

    #[test]
    fn tokens_are_told_apart() {
        let text = |text: &str| Lexeme::Text(text.to_owned());
        assert_eq!(
            lexemes(" in('',\t'a''b' ,-12,+3)ü_1/any:").unwrap(),
            [
                Lexeme::Word("in"),
                Lexeme::Open,
                text(""),
                Lexeme::Comma,
                text("a'b"),
                Lexeme::Comma,
                Lexeme::Int(-12),
                Lexeme::Comma,
                Lexeme::Int(3),
                Lexeme::Close,
                Lexeme::Word("ü_1/any"),
                Lexeme::Colon,
            ]
        );
        assert_eq!(lexemes("''''").unwrap(), [text("'")]);
        assert_eq!(lexemes("9223372036854775807").unwrap(), [Lexeme::Int(i64::MAX)]);
    }

    #[test]
    fn what_is_no_token_is_refused_where_it_ends() {
        for (text, position) in [
            ("a - 1", 3),
            ("1.5", 2),
            ("𝄞 'a", 1 + 1),
            ("'a''", 4),
            ("a eq \"b\"", 6),
            ("9223372036854775808", 19),
            ("$it", 1),
        ] {
            let what = format!("Syntax error at position {position} in '{text}'");
            assert_eq!(lexemes(text), Err(Problem { culprit: None, what }));
        }
    }
}
