//! Reads a filter into a tree.
//!
//! From the loosest to the tightest: `or`, `and`, comparisons and `in`, `not`. That `not` binds tighter than a
//! comparison is documented: `not length(userId) gt 5` negates a length.

use std::ops::Range;

use super::Problem;
use super::lexer::{Lexeme, Lexer, Token};
use super::syntax::{Function, Kind, Node, Operator, Property, Value};
use crate::limits::MAX_FILTER_DEPTH;

/// Reads a whole filter.
pub(super) fn parse(text: &str) -> Result<Node, Problem> {
    let mut lexer = Lexer::new(text);
    let current = lexer.next()?;
    let mut parser = Parser { lexer, current, previous_end: 0, depth: 0 };
    let root = parser.alternatives()?;
    match parser.current.lexeme {
        Lexeme::End => Ok(root),
        _ => Err(parser.unexpected()),
    }
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    current: Token<'a>,
    /// Where the token before the current one ends.
    previous_end: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn alternatives(&mut self) -> Result<Node, Problem> {
        self.chain("or", Parser::conditions, Kind::Or)
    }

    fn conditions(&mut self) -> Result<Node, Problem> {
        self.chain("and", Parser::comparison, Kind::And)
    }

    fn chain(
        &mut self,
        word: &str,
        link: fn(&mut Self) -> Result<Node, Problem>,
        kind: fn(Vec<Node>) -> Kind,
    ) -> Result<Node, Problem> {
        let start = self.current.start;
        let first = link(self)?;
        if !self.is_at(word) {
            return Ok(first);
        }
        let mut links = vec![first];
        while self.is_at(word) {
            self.advance()?;
            links.push(link(self)?);
        }
        Ok(self.node(start, kind(links)))
    }

    fn comparison(&mut self) -> Result<Node, Problem> {
        let start = self.current.start;
        let left = self.negation()?;
        let Lexeme::Word(word) = self.current.lexeme else {
            return Ok(left);
        };
        if word == "in" {
            self.advance()?;
            let list = self.list()?;
            return Ok(self.node(start, Kind::In { item: Box::new(left), list }));
        }
        let Some(operator) = Operator::named(word) else {
            return Ok(left);
        };
        self.advance()?;
        let right = Box::new(self.operand()?);
        Ok(self.node(start, Kind::Compare { left: Box::new(left), operator, right }))
    }

    fn negation(&mut self) -> Result<Node, Problem> {
        if !self.is_at("not") {
            return self.operand();
        }
        let start = self.current.start;
        self.advance()?;
        let operand = self.nested(Parser::negation)?;
        Ok(self.node(start, Kind::Not(Box::new(operand))))
    }

    /// What may follow `in`: the groups, or a list in brackets.
    fn list(&mut self) -> Result<Vec<Node>, Problem> {
        match self.current.lexeme {
            Lexeme::Open => {
                self.advance()?;
                self.items(Parser::operand)
            }
            Lexeme::Word(word) if Property::named(word) == Some(Property::Groups) => Ok(vec![self.operand()?]),
            _ => Err(self.unexpected()),
        }
    }

    fn operand(&mut self) -> Result<Node, Problem> {
        let start = self.current.start;
        let kind = match self.current.lexeme.clone() {
            Lexeme::Open => {
                self.advance()?;
                let inner = self.nested(Parser::alternatives)?;
                self.expect(&Lexeme::Close)?;
                return Ok(inner);
            }
            Lexeme::Word(word) if is_operator(word) => return Err(self.unexpected()),
            Lexeme::Word(word) => {
                self.advance()?;
                if self.current.lexeme == Lexeme::Open { self.call(word)? } else { named(word) }
            }
            Lexeme::Text(text) => {
                self.advance()?;
                Kind::Literal(Value::text(&text))
            }
            Lexeme::Int(number) => {
                self.advance()?;
                Kind::Literal(Value::Int(number))
            }
            Lexeme::Close | Lexeme::Comma | Lexeme::Colon | Lexeme::End => return Err(self.unexpected()),
        };
        Ok(self.node(start, kind))
    }

    fn call(&mut self, name: &str) -> Result<Kind, Problem> {
        if !Function::is_known(name) {
            // What an unknown function takes is not known either; it may be a lambda.
            return self.skip_brackets().map(|()| Kind::Unknown);
        }
        self.advance()?;
        let arguments = if self.current.lexeme == Lexeme::Close {
            self.advance()?;
            Vec::new()
        } else {
            self.items(Parser::alternatives)?
        };
        Ok(match Function::named(name, arguments.len()) {
            Some(function) => Kind::Call { function, arguments },
            None => Kind::Unknown,
        })
    }

    /// One item or more with commas between, and the closing bracket.
    fn items(&mut self, item: fn(&mut Self) -> Result<Node, Problem>) -> Result<Vec<Node>, Problem> {
        let mut items = vec![self.nested(item)?];
        while self.current.lexeme == Lexeme::Comma {
            self.advance()?;
            items.push(self.nested(item)?);
        }
        self.expect(&Lexeme::Close)?;
        Ok(items)
    }

    fn skip_brackets(&mut self) -> Result<(), Problem> {
        let mut open: usize = 0;
        loop {
            match self.current.lexeme {
                Lexeme::Open => open = open.saturating_add(1),
                Lexeme::Close => open = open.saturating_sub(1),
                Lexeme::End => return Err(self.unexpected()),
                _ => {}
            }
            self.advance()?;
            if open == 0 {
                return Ok(());
            }
        }
    }

    /// Reads one level deeper. Without a limit a filter could exhaust the stack.
    fn nested(&mut self, read: fn(&mut Self) -> Result<Node, Problem>) -> Result<Node, Problem> {
        self.depth = self.depth.saturating_add(1);
        if self.depth > MAX_FILTER_DEPTH {
            let what = format!("It is nested more than {MAX_FILTER_DEPTH} levels deep");
            return Err(Problem { culprit: None, what });
        }
        let node = read(self);
        self.depth = self.depth.saturating_sub(1);
        node
    }

    fn is_at(&self, word: &str) -> bool {
        self.current.lexeme == Lexeme::Word(word)
    }

    fn expect(&mut self, lexeme: &Lexeme<'_>) -> Result<(), Problem> {
        if self.current.lexeme == *lexeme { self.advance() } else { Err(self.unexpected()) }
    }

    fn advance(&mut self) -> Result<(), Problem> {
        self.previous_end = self.current.end;
        self.current = self.lexer.next()?;
        Ok(())
    }

    fn unexpected(&self) -> Problem {
        self.lexer.syntax_error(self.current.end)
    }

    /// A node that ends where the last token did.
    fn node(&self, start: usize, kind: Kind) -> Node {
        Node { span: Range { start, end: self.previous_end }, kind }
    }
}

fn named(word: &str) -> Kind {
    match word {
        "null" => Kind::Literal(Value::Null),
        "true" => Kind::Literal(Value::Bool(true)),
        "false" => Kind::Literal(Value::Bool(false)),
        _ => Property::named(word).map_or(Kind::Unknown, Kind::Property),
    }
}

/// Words that stand between or before operands.
fn is_operator(word: &str) -> bool {
    matches!(word, "and" | "or" | "not" | "in") || Operator::named(word).is_some()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// The tree with every bracket written out.
    fn shape(text: &str) -> String {
        write(text, &parse(text).unwrap())
    }

    fn write(text: &str, node: &Node) -> String {
        let list = |nodes: &[Node], between: &str| {
            nodes.iter().map(|node| write(text, node)).collect::<Vec<_>>().join(between)
        };
        match &node.kind {
            Kind::Not(operand) => format!("(not {})", write(text, operand)),
            Kind::And(links) => format!("({})", list(links, " and ")),
            Kind::Or(links) => format!("({})", list(links, " or ")),
            Kind::Compare { left, operator, right } => {
                format!("({} {operator:?} {})", write(text, left), write(text, right))
            }
            Kind::In { item, list: items } => format!("({} in [{}])", write(text, item), list(items, ", ")),
            Kind::Call { function, arguments } => format!("{function:?}({})", list(arguments, ", ")),
            Kind::Literal(_) | Kind::Property(_) | Kind::Unknown => text[node.span.clone()].to_owned(),
        }
    }

    #[test]
    fn operators_bind_in_their_order() {
        for (text, expected) in [
            ("a or b and c or d", "(a or (b and c) or d)"),
            ("(a or b) and c", "((a or b) and c)"),
            ("not a and b", "((not a) and b)"),
            ("not a eq b", "((not a) Equal b)"),
            ("not (a eq b)", "(not (a Equal b))"),
            ("not not a", "(not (not a))"),
            ("not(a)", "(not a)"),
            ("a eq 1 and b in ('x', null) or c", "(((a Equal 1) and (b in ['x', null])) or c)"),
            ("a in groups and b", "((a in [groups]) and b)"),
            ("length ( tolower(a) ) le 2", "(Length(ToLower(a)) LessOrEqual 2)"),
            ("concat(a, not b) ne c", "(Concat(a, (not b)) NotEqual c)"),
        ] {
            assert_eq!(shape(text), expected);
        }
    }

    #[test]
    fn a_node_knows_the_text_it_was_read_from() {
        let text = " 'é' in (a , b)  and ( not c ) ";
        let Kind::And(links) = parse(text).unwrap().kind else { unreachable!("it is a conjunction") };
        let spans: Vec<&str> = links.iter().map(|link| &text[link.span.clone()]).collect();
        assert_eq!(spans, ["'é' in (a , b)", "not c"]);
    }

    #[test]
    fn what_does_not_fit_is_refused_at_its_end() {
        for (text, position) in [
            ("", 0),
            (" ", 1),
            ("invalid filter", 14),
            ("a eq", 4),
            ("eq a", 2),
            ("a eq b eq c", 9),
            ("a in ()", 7),
            ("a in b", 6),
            ("a in ('x'", 9),
            ("a in ('x',)", 11),
            ("(a", 2),
            ("a)", 2),
            ("a and", 5),
            ("a AND b", 5),
            ("not", 3),
            ("a eq not b", 8),
            ("length(a", 8),
            ("length(a,) eq 1", 10),
            ("some(a", 6),
            ("a, b", 2),
            ("a: b", 2),
        ] {
            let what = format!("Syntax error at position {position} in '{text}'");
            assert_eq!(parse(text).unwrap_err(), Problem { culprit: None, what }, "{text}");
        }
    }

    #[test]
    fn depth_is_bounded_but_length_is_not() {
        let nested = |depth: usize| format!("{}true{}", "(".repeat(depth), ")".repeat(depth));
        assert!(parse(&nested(100)).is_ok());
        for too_deep in [nested(101), nested(100_000), "not ".repeat(100_000), "tolower(".repeat(100_000)] {
            assert!(parse(&too_deep).unwrap_err().what.contains("100 levels"));
        }
        let wide = ["(true) or ", "not true or ", "length(userId) in (1, 2) or "].map(|link| link.repeat(1000));
        for long in wide.into_iter().chain(["true or ".repeat(100_000), "true and ".repeat(100_000)]) {
            assert!(parse(&format!("{long}true")).is_ok());
        }
        assert!(parse(&format!("some{}{}", "(".repeat(100_000), ")".repeat(100_000))).is_ok());
    }
}
