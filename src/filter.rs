//! Builds the OData filter of a send or a bulk operation. Values cannot inject filter syntax.
//!
//! Every text is a quoted value. The grammar is that of the service's OData reference. Keep a filter below about 100
//! clauses.
//!
//! ```
//! use webpubsub_edge::filter::{connection_id, in_group, user_id};
//!
//! let filter = user_id().eq("o'neil").or(in_group("news").and(connection_id().ne("c1").not()));
//! assert_eq!(
//!     filter.as_str(),
//!     "(userId eq 'o''neil') or (('news' in groups) and (not (connectionId ne 'c1')))"
//! );
//! ```

use std::fmt;

/// A condition over a connection, for `SendOptions::filter`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter(String);

/// An operand of a comparison: a property of a connection, a value, or a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operand(String);

/// Returns the user id of the connection. It is null for an anonymous connection.
pub fn user_id() -> Operand {
    Operand("userId".into())
}

/// Returns the id of the connection.
pub fn connection_id() -> Operand {
    Operand("connectionId".into())
}

/// Returns the number of groups that the connection is in.
pub fn group_count() -> Operand {
    Operand("length(groups)".into())
}

/// Returns the value null, for [`Operand::eq`] and [`Operand::ne`].
pub fn null() -> Operand {
    Operand("null".into())
}

/// Returns a condition that is true if the connection is in `group`.
pub fn in_group(group: &str) -> Filter {
    Filter([Operand::from(group).0.as_str(), " in groups"].concat())
}

impl Filter {
    /// Returns the filter as OData text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// True if both conditions are true.
    #[must_use]
    pub fn and(self, other: Filter) -> Filter {
        Filter(["(", &self.0, ") and (", &other.0, ")"].concat())
    }

    /// True if at least one of the conditions is true.
    #[must_use]
    pub fn or(self, other: Filter) -> Filter {
        Filter(["(", &self.0, ") or (", &other.0, ")"].concat())
    }

    /// True if the condition is false. The condition is put in parentheses, because `not` binds tighter than a comparison.
    #[must_use]
    #[expect(clippy::should_implement_trait, reason = "a filter is written in the words of OData")]
    pub fn not(self) -> Filter {
        Filter(["not (", &self.0, ")"].concat())
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Operand {
    /// True if the operands are equal. Null equals null.
    pub fn eq(self, other: impl Into<Operand>) -> Filter {
        self.compared("eq", other)
    }

    /// True if the operands differ.
    pub fn ne(self, other: impl Into<Operand>) -> Filter {
        self.compared("ne", other)
    }

    /// True if this number is greater than `other`.
    pub fn gt(self, other: impl Into<Operand>) -> Filter {
        self.compared("gt", other)
    }

    /// True if this number is greater than or equal to `other`.
    pub fn ge(self, other: impl Into<Operand>) -> Filter {
        self.compared("ge", other)
    }

    /// True if this number is less than `other`.
    pub fn lt(self, other: impl Into<Operand>) -> Filter {
        self.compared("lt", other)
    }

    /// True if this number is less than or equal to `other`.
    pub fn le(self, other: impl Into<Operand>) -> Filter {
        self.compared("le", other)
    }

    /// True if this operand equals one of the values. An empty list is always false.
    pub fn is_in(self, values: &[&str]) -> Filter {
        if values.is_empty() {
            return Filter("false".into());
        }
        let values: Vec<String> = values.iter().map(|value| Operand::from(*value).0).collect();
        Filter([self.0.as_str(), " in (", &values.join(","), ")"].concat())
    }

    /// True if the text starts with the given text.
    pub fn starts_with(self, start: &str) -> Filter {
        Filter(self.function("startswith", &[start.into()]).0)
    }

    /// True if the text ends with the given text.
    pub fn ends_with(self, end: &str) -> Filter {
        Filter(self.function("endswith", &[end.into()]).0)
    }

    /// True if the text contains the given text.
    pub fn contains(self, part: &str) -> Filter {
        Filter(self.function("contains", &[part.into()]).0)
    }

    /// Returns the length of the text.
    #[must_use]
    pub fn length(self) -> Operand {
        self.function("length", &[])
    }

    /// Returns the index of the first occurrence of the given text, or -1.
    #[must_use]
    pub fn index_of(self, part: &str) -> Operand {
        self.function("indexof", &[part.into()])
    }

    /// Returns the part of the text from the given index to its end.
    #[must_use]
    pub fn substring(self, start: i64) -> Operand {
        self.function("substring", &[start.into()])
    }

    /// Concatenates two texts.
    #[must_use]
    pub fn concat(self, other: impl Into<Operand>) -> Operand {
        self.function("concat", &[other.into()])
    }

    /// Converts the text to lower case.
    #[must_use]
    pub fn to_lower(self) -> Operand {
        self.function("tolower", &[])
    }

    /// Converts the text to upper case.
    #[must_use]
    pub fn to_upper(self) -> Operand {
        self.function("toupper", &[])
    }

    /// Removes white space at both ends of the text.
    #[must_use]
    pub fn trim(self) -> Operand {
        self.function("trim", &[])
    }

    fn compared(self, operator: &str, other: impl Into<Operand>) -> Filter {
        Filter([&self.0, " ", operator, " ", &other.into().0].concat())
    }

    fn function(self, name: &str, further: &[Operand]) -> Operand {
        let mut arguments = vec![self.0];
        arguments.extend(further.iter().map(|operand| operand.0.clone()));
        Operand([name, "(", &arguments.join(","), ")"].concat())
    }
}

impl From<&str> for Operand {
    fn from(text: &str) -> Self {
        Operand(["'", &text.replace('\'', "''"), "'"].concat())
    }
}

impl From<i64> for Operand {
    fn from(number: i64) -> Self {
        Operand(number.to_string())
    }
}

impl From<bool> for Operand {
    fn from(value: bool) -> Self {
        Operand(value.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_leave_its_quotes() {
        for text in ["", "'", "' or userId ne '", "''", "\\'", "a\nb", "日本'"] {
            let filter = user_id().eq(text);
            let literal = filter.as_str().strip_prefix("userId eq '").and_then(|rest| rest.strip_suffix('\''));
            assert_eq!(literal.map(|literal| literal.replace("''", "")), Some(text.replace('\'', "")), "{text}");
            assert!(literal.is_some_and(|literal| literal.matches('\'').count().is_multiple_of(2)), "{text}");
        }
    }

    #[test]
    fn every_word_of_the_language() {
        for (filter, text) in [
            (user_id().eq(null()), "userId eq null"),
            (user_id().is_in(&["u1", "u'2"]), "userId in ('u1','u''2')"),
            (user_id().is_in(&[]), "false"),
            (group_count().gt(1), "length(groups) gt 1"),
            (user_id().length().ge(-1), "length(userId) ge -1"),
            (user_id().index_of("a").lt(3), "indexof(userId,'a') lt 3"),
            (connection_id().substring(2).le(5), "substring(connectionId,2) le 5"),
            (user_id().to_lower().concat("x").ne("y"), "concat(tolower(userId),'x') ne 'y'"),
            (user_id().to_upper().trim().starts_with("A"), "startswith(trim(toupper(userId)),'A')"),
            (user_id().ends_with("z").not(), "not (endswith(userId,'z'))"),
            (user_id().contains("b").and(in_group("g")), "(contains(userId,'b')) and ('g' in groups)"),
            (user_id().eq(true), "userId eq true"),
        ] {
            assert_eq!(filter.as_str(), text);
        }
    }
}
