//! The OData language of the service's filters, which choose connections.
//!
//! A filter is read once ([`Filter::read`]) and then asked about each connection ([`Filter::matches`]).

mod evaluator;
mod lexer;
mod parser;
#[cfg(test)]
mod properties;
mod syntax;
mod text;

use std::cell::Cell;
use std::collections::BTreeSet;

use crate::limits::{MAX_FILTER_BYTES, MAX_FILTER_STEPS};
use evaluator::Evaluator;
use syntax::Node;

/// A filter that is good: it was tried on a connection that has nothing.
#[derive(Debug)]
pub(crate) struct Filter {
    text: String,
    root: Node,
    /// The steps that are left for all connections together.
    steps: Cell<usize>,
}

/// What a filter sees of a connection.
#[derive(Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub(crate) connection_id: &'a str,
    pub(crate) user_id: Option<&'a str>,
    pub(crate) groups: &'a BTreeSet<String>,
    /// The subprotocol; a simple client has none.
    pub(crate) protocol: Option<&'a str>,
}

impl Filter {
    /// Reads a filter.
    ///
    /// # Errors
    /// What is wrong with it, in the words of the service where they are known.
    pub(crate) fn read(text: &str) -> Result<Filter, String> {
        if text.len() > MAX_FILTER_BYTES {
            return Err(format!("The filter has {} bytes. It may have {MAX_FILTER_BYTES}.", text.len()));
        }
        let root = parser::parse(text).map_err(|problem| problem.message(text))?;
        let filter = Filter { text: text.to_owned(), root, steps: Cell::new(MAX_FILTER_STEPS) };
        // The service tries a filter too before it reads the message, which is why its type errors speak of null.
        let nothing = Subject { connection_id: "", user_id: None, groups: &BTreeSet::new(), protocol: None };
        match filter.evaluator(nothing).decide(&filter.root) {
            Ok(_) => Ok(filter),
            Err(problem) => Err(problem.message(text)),
        }
    }

    /// Whether the filter chooses a connection. A connection is not chosen if an operand turns out to be of a wrong
    /// type, which the trial could not know.
    ///
    /// # Errors
    /// The filter has taken too many steps, for this connection and those before it.
    pub(crate) fn matches(&self, subject: Subject<'_>) -> Result<bool, String> {
        match self.evaluator(subject).decide(&self.root) {
            Err(problem) if self.steps.get() == 0 => Err(problem.message(&self.text)),
            decision => Ok(decision.unwrap_or(false)),
        }
    }

    fn evaluator<'a>(&'a self, subject: Subject<'a>) -> Evaluator<'a> {
        Evaluator::new(&self.text, subject, &self.steps)
    }
}

/// What is wrong with a filter.
#[derive(Debug, PartialEq, Eq)]
struct Problem {
    /// The expression to blame, where it is not the whole filter.
    culprit: Option<String>,
    what: String,
}

impl Problem {
    fn message(&self, text: &str) -> String {
        let culprit = self.culprit.as_deref().unwrap_or(text);
        format!("Invalid syntax for '{culprit}': {}. (Parameter 'filter')", self.what)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn refusal(filter: &str) -> String {
        Filter::read(filter).unwrap_err()
    }

    #[test]
    fn known_errors_have_their_words() {
        for (filter, message) in [
            (
                "invalid filter",
                "Invalid syntax for 'invalid filter': Syntax error at position 14 in 'invalid filter'. (Parameter 'filter')",
            ),
            (
                "not length(userId) gt 5",
                "Invalid syntax for 'not length(userId)': Type 'null', expect 'bool'. (Parameter 'filter')",
            ),
            ("( not 'a' )", "Invalid syntax for 'not 'a'': Type 'string', expect 'bool'. (Parameter 'filter')"),
            ("userId lt 1", "Invalid syntax for 'userId lt 1': Type 'string', expect 'int'. (Parameter 'filter')"),
            (
                "invalid(ab,c)",
                "Invalid syntax for 'invalid(ab,c)': Token 'invalid(ab,c)' is not supported. (Parameter 'filter')",
            ),
            ("ab eq 1", "Invalid syntax for 'ab eq 1': Token 'ab' is not supported. (Parameter 'filter')"),
        ] {
            assert_eq!(refusal(filter), message);
        }
    }

    #[test]
    fn the_documented_examples_choose() {
        let groups = ["group1".to_owned(), "group2".to_owned()].into();
        let subject = |user_id| Subject {
            connection_id: "c1",
            user_id,
            groups: &groups,
            protocol: Some("json.webpubsub.azure.v1"),
        };
        for (filter, user_id, expected) in [
            ("'group1' in groups or 'group3' in groups", None, true),
            ("userId in ('user1', 'user2', 'user3') and 'group1' in groups", Some("user2"), true),
            ("userId eq 'user1' and connectionId ne '123'", Some("user1"), true),
            ("userId eq 'user1' and (not ('group1' in groups))", Some("user1"), false),
            ("userId eq 'user''1'", Some("user'1"), true),
            ("userId eq 'a'", Some("A"), false),
            ("USERID eq null", None, true),
            ("userId ne 'x'", None, true),
            ("length(userId) le 10 and length(userId) gt 3", Some("user"), true),
            ("length(userId) gt 3", None, false),
            ("length(userId) le 3", None, false),
            ("not (length(userId) gt 5)", None, true),
            ("length(groups) gt 1", None, true),
            ("not endswith(userId, 'milk')", Some("buttermilk"), false),
            ("startswith(userId,'listener-')", Some("listener-1"), true),
            ("contains(userId, 'b')", Some("abc"), true),
            ("contains(userId, 'b')", None, false),
            ("tolower(userId) eq 'user1'", Some("USER1"), true),
            ("toupper(userId) eq 'USER1'", Some("user1"), true),
            ("trim(userId) eq 'user1'", Some(" user1 "), true),
            ("substring(userId,5,2) eq 'ab'", Some("user-ab-de"), true),
            ("indexof(userId,'-ab-') ge 0", Some("user-ab-de"), true),
            ("indexof(userId,'x') eq -1", None, true),
            ("concat(userId, '!') eq '!'", None, true),
            ("concat(userId, null) eq null", None, true),
            ("concat(userId, '!') eq 'a!'", Some("a"), true),
            ("protocol eq 'json.webpubsub.azure.v1'", None, true),
            ("userId in ('O''Brien, Jane', 'Alice')", Some("O'Brien, Jane"), true),
            ("userId in (null, 'a')", None, true),
            ("'group2' in (groups)", None, true),
            ("length(concat(userId, 'é𝄞')) eq +4", Some("a"), true),
        ] {
            assert_eq!(Filter::read(filter).unwrap().matches(subject(user_id)), Ok(expected), "{filter} {user_id:?}");
        }
    }

    #[test]
    fn every_operand_is_checked() {
        for (filter, what) in [
            ("true or userId", "Type 'null', expect 'bool'"),
            ("false and 1", "Type 'int', expect 'bool'"),
            ("userId", "Type 'null', expect 'bool'"),
            ("connectionId", "Type 'string', expect 'bool'"),
            ("groups", "Type 'collection', expect 'bool'"),
            ("length(5) eq 1", "Type 'int', expect 'string'"),
            ("tolower(groups) eq 'a'", "Type 'collection', expect 'string'"),
            ("substring(userId, 'a') eq 'a'", "Type 'string', expect 'int'"),
            ("contains(userId, true)", "Type 'bool', expect 'string'"),
            ("1 gt tolower(userId)", "Type 'string', expect 'int'"),
            ("true gt 1", "Type 'bool', expect 'int'"),
            ("true or 'a' in (1, nobody)", "Token 'nobody' is not supported"),
            ("length() eq 1", "Token 'length()' is not supported"),
            ("groups/any(g: g eq 'a')", "Token 'groups/any(g: g eq 'a')' is not supported"),
            ("not 'a' in groups", "Type 'string', expect 'bool'"),
        ] {
            let message = refusal(filter);
            assert!(message.contains(&format!(": {what}. (Parameter")), "{message}");
        }
    }

    #[test]
    fn what_the_trial_could_not_know_is_not_chosen() {
        let groups = BTreeSet::new();
        let subject = |user_id| Subject { connection_id: "c", user_id, groups: &groups, protocol: None };
        for filter in ["substring('abc', userId) eq null", "tolower(length(userId)) eq null"] {
            let filter = Filter::read(filter).unwrap();
            assert_eq!(filter.matches(subject(None)), Ok(true));
            assert_eq!(filter.matches(subject(Some("ann"))), Ok(false));
        }
    }

    #[test]
    fn a_filter_of_more_than_16_kib_is_refused() {
        let padded = |length: usize| format!("{:length$}", "true");
        assert!(Filter::read(&padded(MAX_FILTER_BYTES)).is_ok());
        let problem = refusal(&padded(MAX_FILTER_BYTES + 1));
        assert_eq!(problem, "The filter has 16385 bytes. It may have 16384.");
    }

    #[test]
    fn a_filter_that_takes_too_many_steps_is_refused() {
        let groups = BTreeSet::new();
        let user_id = "x".repeat(1000);
        let subject = Subject { connection_id: "c", user_id: Some(&user_id), groups: &groups, protocol: None };
        // Each level makes the text longer: a hundred levels of 100 KB.
        let costly = (0..90).fold("userId".to_owned(), |inner, _| format!("concat({inner},userId)"));
        let filter = Filter::read(&format!("{costly} ne 'x'")).unwrap();
        assert_eq!(filter.matches(subject), Ok(true), "once is no problem");
        let problem = (0..1000).find_map(|_| filter.matches(subject).err()).unwrap();
        assert!(problem.contains("It takes more than 5000000 steps for the connections of the hub"), "{problem}");
        let wide = format!("{}false", "false or ".repeat(1500));
        assert!(Filter::read(&wide).unwrap().matches(subject).is_ok());
    }
}
