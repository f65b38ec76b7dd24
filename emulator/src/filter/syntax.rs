//! A filter as a tree.

use std::ops::Range;

/// One expression, and the bytes of the filter that it was read from.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) span: Range<usize>,
    pub(super) kind: Kind,
}

#[derive(Debug)]
pub(super) enum Kind {
    Literal(Value),
    Property(Property),
    Not(Box<Node>),
    /// At least two. A chain is one node, however long, so that only brackets make a tree deep.
    And(Vec<Node>),
    /// At least two.
    Or(Vec<Node>),
    Compare {
        left: Box<Node>,
        operator: Operator,
        right: Box<Node>,
    },
    /// The list holds at least one expression. The groups, with or without brackets, are a list of one.
    In {
        item: Box<Node>,
        list: Vec<Node>,
    },
    Call {
        function: Function,
        arguments: Vec<Node>,
    },
    /// It is well formed, but the service does not know it.
    Unknown,
}

/// What an expression comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Int(i64),
    /// UTF-16, as in the service: its functions count and cut in code units.
    Text(Vec<u16>),
    /// The groups of the connection.
    Groups,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Property {
    ConnectionId,
    UserId,
    Groups,
    Protocol,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    ToLower,
    ToUpper,
    Trim,
    Substring,
    Concat,
    Contains,
    StartsWith,
    EndsWith,
    IndexOf,
    Length,
}

impl Property {
    /// Names of properties are compared without regard to case.
    pub(super) fn named(name: &str) -> Option<Property> {
        let known = [
            ("connectionId", Property::ConnectionId),
            ("userId", Property::UserId),
            ("groups", Property::Groups),
            ("protocol", Property::Protocol),
        ];
        known.into_iter().find_map(|(known, property)| known.eq_ignore_ascii_case(name).then_some(property))
    }
}

impl Operator {
    pub(super) fn named(name: &str) -> Option<Operator> {
        Some(match name {
            "eq" => Operator::Equal,
            "ne" => Operator::NotEqual,
            "gt" => Operator::Greater,
            "ge" => Operator::GreaterOrEqual,
            "lt" => Operator::Less,
            "le" => Operator::LessOrEqual,
            _ => return None,
        })
    }
}

impl Function {
    /// The function of this name that takes so many arguments.
    pub(super) fn named(name: &str, arguments: usize) -> Option<Function> {
        Some(match (name, arguments) {
            ("tolower", 1) => Function::ToLower,
            ("toupper", 1) => Function::ToUpper,
            ("trim", 1) => Function::Trim,
            ("substring", 2 | 3) => Function::Substring,
            ("concat", 2) => Function::Concat,
            ("contains", 2) => Function::Contains,
            ("startswith", 2) => Function::StartsWith,
            ("endswith", 2) => Function::EndsWith,
            ("indexof", 2) => Function::IndexOf,
            ("length", 1) => Function::Length,
            _ => return None,
        })
    }

    /// Whether anything of this name exists.
    pub(super) fn is_known(name: &str) -> bool {
        (1..=3).any(|arguments| Function::named(name, arguments).is_some())
    }

    /// Whether its result is a text, or null in place of one.
    pub(super) fn gives_text(self) -> bool {
        matches!(self, Function::ToLower | Function::ToUpper | Function::Trim | Function::Substring | Function::Concat)
    }
}

impl Value {
    pub(super) fn text(text: &str) -> Value {
        Value::Text(text.encode_utf16().collect())
    }

    /// The name of its type in error messages.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Bool(_) => "bool",
            Value::Int(_) => "int",
            Value::Text(_) => "string",
            Value::Groups => "collection",
        }
    }
}
