//! Evaluates a filter for one connection.

use std::cell::Cell;

use super::syntax::{Function, Kind, Node, Operator, Property, Value};
use super::{Problem, Subject, text};
use crate::limits::MAX_FILTER_STEPS;
use crate::turn::shortened;

/// The longest part of a filter in an error about its steps.
const MAX_QUOTED_BYTES: usize = 100;

pub(super) struct Evaluator<'a> {
    text: &'a str,
    subject: Subject<'a>,
    /// The steps that are left.
    steps: &'a Cell<usize>,
}

impl<'a> Evaluator<'a> {
    pub(super) fn new(text: &'a str, subject: Subject<'a>, steps: &'a Cell<usize>) -> Evaluator<'a> {
        Evaluator { text, subject, steps }
    }

    /// What a whole filter comes to, which must be a bool.
    pub(super) fn decide(&self, root: &Node) -> Result<bool, Problem> {
        self.bool(root, root)
    }

    /// Evaluates an expression, and counts a step for it and for each 16 units of a text that it comes to.
    fn value(&self, node: &Node) -> Result<Value, Problem> {
        self.step(1)?;
        let value = self.evaluate(node)?;
        if let Value::Text(text) = &value {
            self.step(text.len() / 16)?;
        }
        Ok(value)
    }

    /// # Errors
    /// No steps are left.
    fn step(&self, steps: usize) -> Result<(), Problem> {
        self.steps.set(self.steps.get().saturating_sub(steps));
        if self.steps.get() > 0 {
            return Ok(());
        }
        let what = format!("It takes more than {MAX_FILTER_STEPS} steps for the connections of the hub");
        Err(Problem { culprit: Some(shortened(self.text, MAX_QUOTED_BYTES)), what })
    }

    fn evaluate(&self, node: &Node) -> Result<Value, Problem> {
        Ok(match &node.kind {
            Kind::Literal(value) => value.clone(),
            Kind::Property(property) => self.property(*property),
            Kind::Not(operand) => Value::Bool(!self.bool(node, operand)?),
            Kind::And(links) => Value::Bool(self.bools(node, links)?.iter().all(|link| *link)),
            Kind::Or(links) => Value::Bool(self.bools(node, links)?.iter().any(|link| *link)),
            Kind::Compare { left, operator, right } => Value::Bool(self.compare(node, left, *operator, right)?),
            Kind::In { item, list } => Value::Bool(self.is_in(item, list)?),
            Kind::Call { function, arguments } => self.call(node, *function, arguments)?,
            Kind::Unknown => {
                let what = format!("Token '{}' is not supported", self.source(node));
                return Err(Problem { culprit: None, what });
            }
        })
    }

    fn property(&self, property: Property) -> Value {
        let text = match property {
            Property::ConnectionId => Some(self.subject.connection_id),
            Property::UserId => self.subject.user_id,
            Property::Protocol => self.subject.protocol,
            Property::Groups => return Value::Groups,
        };
        text.map_or(Value::Null, Value::text)
    }

    /// Every operand is evaluated, even where the first decides: each is checked.
    fn bools(&self, node: &Node, operands: &[Node]) -> Result<Vec<bool>, Problem> {
        operands.iter().map(|operand| self.bool(node, operand)).collect()
    }

    fn bool(&self, node: &Node, operand: &Node) -> Result<bool, Problem> {
        match self.value(operand)? {
            Value::Bool(value) => Ok(value),
            other => Err(self.wrong_type(node, other.type_name(), "bool")),
        }
    }

    fn compare(&self, node: &Node, left: &Node, operator: Operator, right: &Node) -> Result<bool, Problem> {
        let (left_value, right_value) = (self.value(left)?, self.value(right)?);
        let compare: fn(&i64, &i64) -> bool = match operator {
            Operator::Equal => return Ok(left_value == right_value),
            Operator::NotEqual => return Ok(left_value != right_value),
            Operator::Greater => i64::gt,
            Operator::GreaterOrEqual => i64::ge,
            Operator::Less => i64::lt,
            Operator::LessOrEqual => i64::le,
        };
        let left = self.int_or_null(node, left, &left_value)?;
        let right = self.int_or_null(node, right, &right_value)?;
        // Nothing is greater or less than null.
        Ok(left.zip(right).is_some_and(|(left, right)| compare(&left, &right)))
    }

    fn int_or_null(&self, node: &Node, operand: &Node, value: &Value) -> Result<Option<i64>, Problem> {
        match value {
            Value::Int(number) => Ok(Some(*number)),
            // `userId lt 1` is wrong whether there is a user id or not.
            Value::Null if is_text(operand) => Err(self.wrong_type(node, "string", "int")),
            Value::Null => Ok(None),
            other => Err(self.wrong_type(node, other.type_name(), "int")),
        }
    }

    fn is_in(&self, item: &Node, list: &[Node]) -> Result<bool, Problem> {
        let item = self.value(item)?;
        let list = list.iter().map(|node| self.value(node)).collect::<Result<Vec<_>, _>>()?;
        Ok(match (&item, list.as_slice()) {
            (Value::Text(group), [Value::Groups]) => self.is_group(group),
            (_, [Value::Groups]) => false,
            (item, list) => list.contains(item),
        })
    }

    fn is_group(&self, name: &[u16]) -> bool {
        String::from_utf16(name).is_ok_and(|name| self.subject.groups.contains(&name))
    }

    fn call(&self, node: &Node, function: Function, arguments: &[Node]) -> Result<Value, Problem> {
        let values = arguments.iter().map(|argument| self.value(argument)).collect::<Result<Vec<_>, _>>()?;
        if let (Function::Length, [Value::Groups]) = (function, values.as_slice()) {
            return Ok(count(self.subject.groups.len()));
        }
        let text = |at: usize| match values.get(at) {
            Some(Value::Text(text)) => Ok(Some(text.as_slice())),
            None | Some(Value::Null) => Ok(None),
            Some(other) => Err(self.wrong_type(node, other.type_name(), "string")),
        };
        let int = |at: usize| match values.get(at) {
            Some(Value::Int(number)) => Ok(Some(*number)),
            None | Some(Value::Null) => Ok(None),
            Some(other) => Err(self.wrong_type(node, other.type_name(), "int")),
        };
        Ok(match function {
            Function::ToLower => text(0)?.map(text::lower).map_or(Value::Null, Value::Text),
            Function::ToUpper => text(0)?.map(text::upper).map_or(Value::Null, Value::Text),
            Function::Trim => text(0)?.map(text::trim).map_or(Value::Null, Value::Text),
            Function::Length => text(0)?.map_or(Value::Null, |text| count(text.len())),
            Function::Substring => {
                let (text, start, length) = (text(0)?, int(1)?, int(2)?);
                // A length of null is not the same as none.
                let start = start.filter(|_| values.get(2) != Some(&Value::Null));
                let cut = text.zip(start).and_then(|(text, start)| text::substring(text, start, length));
                cut.map_or(Value::Null, Value::Text)
            }
            Function::Concat => match (text(0)?, text(1)?) {
                (None, None) => Value::Null,
                (first, second) => Value::Text([first.unwrap_or_default(), second.unwrap_or_default()].concat()),
            },
            Function::Contains => both(text(0)?, text(1)?, |text, part| text::index_of(text, part).is_some()),
            Function::StartsWith => both(text(0)?, text(1)?, <[u16]>::starts_with),
            Function::EndsWith => both(text(0)?, text(1)?, <[u16]>::ends_with),
            Function::IndexOf => {
                let found = text(0)?.zip(text(1)?).and_then(|(text, part)| text::index_of(text, part));
                found.map_or(Value::Int(-1), count)
            }
        })
    }

    fn wrong_type(&self, node: &Node, found: &str, expected: &str) -> Problem {
        let culprit = Some(self.source(node).to_owned());
        Problem { culprit, what: format!("Type '{found}', expect '{expected}'") }
    }

    fn source(&self, node: &Node) -> &str {
        self.text.get(node.span.clone()).unwrap_or_default()
    }
}

/// Whether an expression is a text wherever it is not null.
fn is_text(node: &Node) -> bool {
    match &node.kind {
        Kind::Property(property) => *property != Property::Groups,
        Kind::Call { function, .. } => function.gives_text(),
        _ => false,
    }
}

/// What is asked of two texts is false when either is null.
fn both(first: Option<&[u16]>, second: Option<&[u16]>, ask: fn(&[u16], &[u16]) -> bool) -> Value {
    Value::Bool(first.zip(second).is_some_and(|(first, second)| ask(first, second)))
}

fn count(count: usize) -> Value {
    Value::Int(i64::try_from(count).unwrap_or(i64::MAX))
}
