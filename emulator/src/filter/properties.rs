//! Properties that hold for every filter, tried on many from a seeded generator.

#![allow(clippy::panic, clippy::unwrap_used, clippy::arithmetic_side_effects, clippy::indexing_slicing)]

use std::collections::BTreeSet;

use super::{Filter, Subject};

#[test]
fn a_filter_means_what_it_was_made_from() {
    let mut random = Random(0x0da7a);
    let (mut chosen, mut left) = (0, 0);
    for _ in 0..20_000 {
        let tree = random.condition(4);
        let (plain, bracketed) = (print(&tree, 0, &mut None), print(&tree, 0, &mut Some(&mut random)));
        let groups = random.groups();
        let user_id = random.user_id();
        let subject = Subject { connection_id: "c1", user_id, groups: &groups, protocol: None };
        let expected = oracle(&tree, &subject) == Answer::Bool(true);
        for text in [&plain, &bracketed] {
            let filter = Filter::read(text).unwrap_or_else(|problem| panic!("{text}: {problem}"));
            assert_eq!(filter.matches(subject), Ok(expected), "{text} for {user_id:?} in {groups:?}");
        }
        if expected { chosen += 1 } else { left += 1 }
    }
    assert!(chosen > 2000 && left > 2000, "the generator is one-sided: {chosen} to {left}");
}

#[test]
fn no_text_stops_the_parser() {
    let mut random = Random(0xbad);
    let (mut read, mut refused) = (0, 0);
    for round in 0..60_000 {
        let mut text = match round % 2 {
            0 => (0..random.below(12)).map(|_| PIECES[random.below(PIECES.len())]).collect(),
            _ => print(&random.condition(3), 0, &mut Some(&mut Random(round))),
        };
        for _ in 0..random.below(3) {
            text = random.damaged(&text);
        }
        match Filter::read(&text) {
            Ok(filter) => {
                let groups = random.groups();
                let user_id = random.user_id();
                let _ = filter.matches(Subject { connection_id: "c", user_id, groups: &groups, protocol: Some("p") });
                read += 1;
            }
            Err(message) => {
                assert!(message.starts_with("Invalid syntax for '"), "{message}");
                assert!(message.ends_with(". (Parameter 'filter')"), "{message}");
                refused += 1;
            }
        }
    }
    assert!(read > 5000 && refused > 5000, "the generator is one-sided: {read} to {refused}");
}

const PIECES: [&str; 36] = [
    "(",
    ")",
    ",",
    ":",
    "'",
    "''",
    "'a'",
    " ",
    "\t",
    "not ",
    " and ",
    " or ",
    " eq ",
    " gt ",
    " in ",
    "in(",
    "null",
    "true",
    "userId",
    "groups",
    "connectionId",
    "length(",
    "tolower(",
    "substring(",
    "concat(",
    "1",
    "-",
    "+2",
    "99999999999999999999",
    "x/any(",
    "some(",
    "é",
    "𝄞",
    "\u{0}",
    "%27",
    "/",
];

/// A filter before it is text.
enum Tree {
    Or(Vec<Tree>),
    And(Vec<Tree>),
    Not(Box<Tree>),
    Compare(Box<Tree>, &'static str, Box<Tree>),
    In(Box<Tree>, Vec<Tree>),
    InGroups(Box<Tree>),
    Call(&'static str, Vec<Tree>),
    UserId,
    Groups,
    Literal(Answer),
}

#[derive(Clone, Debug, PartialEq)]
enum Answer {
    Null,
    Bool(bool),
    Int(i64),
    Text(String),
}

/// Xorshift: the same filters on every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).unwrap()
    }

    fn condition(&mut self, depth: usize) -> Tree {
        let Some(depth) = depth.checked_sub(1) else {
            return Tree::Literal(Answer::Bool(self.below(2) == 0));
        };
        match self.below(9) {
            0 => Tree::Or((0..2 + self.below(2)).map(|_| self.condition(depth)).collect()),
            1 => Tree::And((0..2 + self.below(2)).map(|_| self.condition(depth)).collect()),
            2 => Tree::Not(Box::new(self.condition(depth))),
            3 => {
                let operator = ["gt", "ge", "lt", "le"][self.below(4)];
                Tree::Compare(Box::new(self.number(depth)), operator, Box::new(self.number(depth)))
            }
            4 => {
                let operator = ["eq", "ne"][self.below(2)];
                Tree::Compare(Box::new(self.anything(depth)), operator, Box::new(self.anything(depth)))
            }
            5 => {
                let list = (0..1 + self.below(3)).map(|_| self.anything(depth)).collect();
                Tree::In(Box::new(self.anything(depth)), list)
            }
            6 => Tree::InGroups(Box::new(self.text(depth))),
            _ => {
                let function = ["contains", "startswith", "endswith"][self.below(3)];
                Tree::Call(function, vec![self.text(depth), self.text(depth)])
            }
        }
    }

    fn number(&mut self, depth: usize) -> Tree {
        match (depth.checked_sub(1), self.below(4)) {
            (Some(depth), 0) => Tree::Call("length", vec![self.text(depth)]),
            (Some(depth), 1) => Tree::Call("indexof", vec![self.text(depth), self.text(depth)]),
            (Some(_), 2) => Tree::Call("length", vec![Tree::Groups]),
            _ => Tree::Literal(Answer::Int(i64::try_from(self.below(6)).unwrap() - 2)),
        }
    }

    fn text(&mut self, depth: usize) -> Tree {
        match (depth.checked_sub(1), self.below(6)) {
            (Some(depth), 0) => Tree::Call(["tolower", "toupper", "trim"][self.below(3)], vec![self.text(depth)]),
            (Some(depth), 1) => Tree::Call("substring", vec![self.text(depth), self.number(depth)]),
            (Some(depth), 2) => Tree::Call("substring", vec![self.text(depth), self.number(depth), self.number(depth)]),
            (Some(depth), 3) => Tree::Call("concat", vec![self.text(depth), self.text(depth)]),
            (_, 4) => Tree::UserId,
            (_, _) => Tree::Literal(match self.below(7) {
                0 => Answer::Null,
                at => Answer::Text(["a", "B'", " a ", "", "ab", "g1"][at - 1].to_owned()),
            }),
        }
    }

    fn anything(&mut self, depth: usize) -> Tree {
        match self.below(3) {
            0 => self.condition(depth),
            1 => self.number(depth),
            _ => self.text(depth),
        }
    }

    fn user_id(&mut self) -> Option<&'static str> {
        [None, Some("a"), Some("aB'"), Some(" ab ")][self.below(4)]
    }

    fn groups(&mut self) -> BTreeSet<String> {
        ["a", "ab", "g1"].into_iter().filter(|_| self.below(2) == 0).map(str::to_owned).collect()
    }

    /// The text with one character left out, doubled or replaced.
    fn damaged(&mut self, text: &str) -> String {
        let mut characters: Vec<char> = text.chars().collect();
        if characters.is_empty() {
            return "'".to_owned();
        }
        let at = self.below(characters.len());
        match self.below(3) {
            0 => _ = characters.remove(at),
            1 => characters.insert(at, characters[at]),
            _ => characters[at] = ['(', ')', '\'', ',', ' ', 'x', '-'][self.below(7)],
        }
        characters.into_iter().collect()
    }
}

/// Writes a tree with the brackets it needs where at least `tightness` is asked for: 0 for `or`, 1 for `and`, 2 for
/// comparisons, 3 for `not`, 4 for operands. With `extra`, it adds brackets and spaces at random.
fn print(tree: &Tree, tightness: usize, extra: &mut Option<&mut Random>) -> String {
    let mut join = |trees: &[Tree], tightness: usize, between: &str| {
        trees.iter().map(|tree| print(tree, tightness, extra)).collect::<Vec<_>>().join(between)
    };
    let (own, text) = match tree {
        Tree::Or(links) => (0, join(links, 1, " or ")),
        Tree::And(links) => (1, join(links, 2, " and ")),
        Tree::Compare(left, operator, right) => {
            (2, format!("{} {operator} {}", print(left, 3, extra), print(right, 4, extra)))
        }
        Tree::In(item, list) => {
            let list = join(list, 4, ",");
            (2, format!("{} in ({list})", print(item, 3, extra)))
        }
        Tree::InGroups(item) => (2, format!("{} in groups", print(item, 3, extra))),
        Tree::Not(operand) => (3, format!("not {}", print(operand, 3, extra))),
        Tree::Call(function, arguments) => (4, format!("{function}({})", join(arguments, 0, ", "))),
        Tree::UserId => (4, "userId".to_owned()),
        Tree::Groups => (4, "Groups".to_owned()),
        Tree::Literal(Answer::Null) => (4, "null".to_owned()),
        Tree::Literal(Answer::Bool(value)) => (4, value.to_string()),
        Tree::Literal(Answer::Int(value)) => (4, value.to_string()),
        Tree::Literal(Answer::Text(value)) => (4, format!("'{}'", value.replace('\'', "''"))),
    };
    let adds_brackets = extra.as_mut().is_some_and(|random| random.below(6) == 0);
    if own < tightness || adds_brackets { format!("( {text})") } else { text }
}

/// What a tree comes to, worked out from the documented rules alone.
fn oracle(tree: &Tree, subject: &Subject<'_>) -> Answer {
    let is_true = |tree: &Tree| oracle(tree, subject) == Answer::Bool(true);
    let text = |tree: &Tree| if let Answer::Text(text) = oracle(tree, subject) { Some(text) } else { None };
    let int = |tree: &Tree| if let Answer::Int(int) = oracle(tree, subject) { Some(int) } else { None };
    let text_or_null = |text: Option<String>| text.map_or(Answer::Null, Answer::Text);
    match tree {
        Tree::Or(links) => Answer::Bool(links.iter().filter(|link| is_true(link)).count() > 0),
        Tree::And(links) => Answer::Bool(links.iter().filter(|link| !is_true(link)).count() == 0),
        Tree::Not(operand) => Answer::Bool(!is_true(operand)),
        Tree::Compare(left, "eq", right) => Answer::Bool(oracle(left, subject) == oracle(right, subject)),
        Tree::Compare(left, "ne", right) => Answer::Bool(oracle(left, subject) != oracle(right, subject)),
        Tree::Compare(left, operator, right) => Answer::Bool(match (int(left), int(right)) {
            (Some(left), Some(right)) => match *operator {
                "gt" => left > right,
                "ge" => left >= right,
                "lt" => left < right,
                _ => left <= right,
            },
            _ => false,
        }),
        Tree::In(item, list) => {
            let item = oracle(item, subject);
            Answer::Bool(list.iter().any(|tree| oracle(tree, subject) == item))
        }
        Tree::InGroups(item) => Answer::Bool(text(item).is_some_and(|item| subject.groups.contains(&item))),
        Tree::UserId => text_or_null(subject.user_id.map(str::to_owned)),
        Tree::Literal(answer) => answer.clone(),
        Tree::Groups => unreachable!("it stands only inside of length"),
        Tree::Call("length", arguments) => match &arguments[0] {
            Tree::Groups => Answer::Int(subject.groups.len().try_into().unwrap()),
            other => text(other).map_or(Answer::Null, |text| Answer::Int(text.len().try_into().unwrap())),
        },
        Tree::Call("tolower", arguments) => text_or_null(text(&arguments[0]).map(|text| text.to_lowercase())),
        Tree::Call("toupper", arguments) => text_or_null(text(&arguments[0]).map(|text| text.to_uppercase())),
        Tree::Call("trim", arguments) => text_or_null(text(&arguments[0]).map(|text| text.trim().to_owned())),
        Tree::Call("concat", arguments) => match (text(&arguments[0]), text(&arguments[1])) {
            (Some(first), Some(second)) => Answer::Text(first + &second),
            (first, second) => text_or_null(first.or(second)),
        },
        Tree::Call("substring", arguments) => {
            let (Some(text), Some(start)) = (text(&arguments[0]), int(&arguments[1])) else {
                return Answer::Null;
            };
            let length = match arguments.get(2) {
                None => i64::try_from(text.len()).unwrap() - start,
                Some(length) => match int(length) {
                    Some(length) => length,
                    None => return Answer::Null,
                },
            };
            let is_inside = start >= 0 && length >= 0 && start + length <= i64::try_from(text.len()).unwrap();
            let from = || text.chars().skip(start.unsigned_abs() as usize).take(length.unsigned_abs() as usize);
            text_or_null(is_inside.then(|| from().collect()))
        }
        Tree::Call("indexof", arguments) => {
            let found = text(&arguments[0]).and_then(|first| first.find(&text(&arguments[1])?));
            Answer::Int(found.map_or(-1, |at| at.try_into().unwrap()))
        }
        Tree::Call(function, arguments) => {
            let asked = text(&arguments[0]).zip(text(&arguments[1])).map(|(first, second)| match *function {
                "contains" => first.contains(&second),
                "startswith" => first.starts_with(&second),
                _ => first.ends_with(&second),
            });
            Answer::Bool(asked == Some(true))
        }
    }
}
