//! Queries as trees, read by operator precedence.

use serde_json::Value;

use super::lexer::Token;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    /// `@`, and the part left out at the start of `[…]`.
    Current,
    Field(String),
    Literal(Value),
    /// The right part, asked of what the left part gives: `a.b`, `a | b`.
    Then(Box<Node>, Box<Node>),
    Index(i64),
    Slice {
        start: Option<i64>,
        stop: Option<i64>,
        step: i64,
    },
    /// The right part of every item of the list the left part gives.
    Each(Box<Node>, Box<Node>),
    /// The right part of every member value of the object the left part gives.
    EachValue(Box<Node>, Box<Node>),
    /// The right part of every item that the condition holds for.
    EachWhere {
        list: Box<Node>,
        condition: Box<Node>,
        then: Box<Node>,
    },
    Flatten(Box<Node>),
    Or(Box<Node>, Box<Node>),
    And(Box<Node>, Box<Node>),
    Not(Box<Node>),
    Compare(Token, Box<Node>, Box<Node>),
    List(Vec<Node>),
    Object(Vec<(String, Node)>),
    Call(String, Vec<Argument>),
}

/// An argument of a function: a value, or an expression that the function applies itself.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Argument {
    Value(Node),
    Reference(Node),
}

/// How strongly operators bind; from the grammar of JMESPath.
mod power {
    pub(super) const PIPE: u8 = 1;
    pub(super) const OR: u8 = 2;
    pub(super) const AND: u8 = 3;
    pub(super) const COMPARE: u8 = 5;
    pub(super) const FLATTEN: u8 = 9;
    /// What binds weaker than this ends a projection.
    pub(super) const PROJECTION_END: u8 = 10;
    pub(super) const STAR: u8 = 20;
    pub(super) const FILTER: u8 = 21;
    pub(super) const DOT: u8 = 40;
    pub(super) const NOT: u8 = 45;
    pub(super) const BRACKET: u8 = 55;
}

/// How deep a query may be nested, as text and as tree: parsing and searching recurse.
const MAX_DEPTH: usize = 40;

pub(super) fn parse(tokens: &[Token]) -> Result<Node, String> {
    let mut parser = Parser { rest: tokens, depth: 0 };
    let node = parser.expression(0)?;
    match parser.rest.first() {
        None if node.depth() > MAX_DEPTH => Err(too_deep()),
        None => Ok(node),
        Some(token) => Err(unexpected(token)),
    }
}

impl Node {
    fn depth(&self) -> usize {
        let below = match self {
            Self::Current | Self::Field(_) | Self::Literal(_) | Self::Index(_) | Self::Slice { .. } => 0,
            Self::Then(left, right)
            | Self::Each(left, right)
            | Self::EachValue(left, right)
            | Self::Or(left, right)
            | Self::And(left, right)
            | Self::Compare(_, left, right) => left.depth().max(right.depth()),
            Self::EachWhere { list, condition, then } => list.depth().max(condition.depth()).max(then.depth()),
            Self::Flatten(inner) | Self::Not(inner) => inner.depth(),
            Self::List(items) => items.iter().map(Self::depth).max().unwrap_or(0),
            Self::Object(members) => members.iter().map(|(_, member)| member.depth()).max().unwrap_or(0),
            Self::Call(_, arguments) => arguments.iter().map(Argument::depth).max().unwrap_or(0),
        };
        below + 1
    }
}

impl Argument {
    fn depth(&self) -> usize {
        match self {
            Self::Value(node) | Self::Reference(node) => node.depth(),
        }
    }
}

fn too_deep() -> String {
    format!("the query is nested deeper than {MAX_DEPTH} levels")
}

fn unexpected(token: &Token) -> String {
    format!("unexpected {token:?}")
}

struct Parser<'a> {
    rest: &'a [Token],
    /// How many expressions are being parsed inside each other.
    depth: usize,
}

impl<'a> Parser<'a> {
    fn next(&mut self) -> Result<&'a Token, String> {
        let (first, rest) = self.rest.split_first().ok_or("unexpected end of the query")?;
        self.rest = rest;
        Ok(first)
    }

    fn accept(&mut self, token: &Token) -> bool {
        let fits = self.rest.first() == Some(token);
        if fits {
            self.rest = &self.rest[1..];
        }
        fits
    }

    fn expect(&mut self, token: &Token) -> Result<(), String> {
        let next = self.next()?;
        if next == token { Ok(()) } else { Err(unexpected(next)) }
    }

    fn binding(&self) -> u8 {
        match self.rest.first() {
            Some(Token::Pipe) => power::PIPE,
            Some(Token::Or) => power::OR,
            Some(Token::And) => power::AND,
            Some(
                Token::Equal | Token::NotEqual | Token::Less | Token::LessEqual | Token::Greater | Token::GreaterEqual,
            ) => power::COMPARE,
            Some(Token::Flatten) => power::FLATTEN,
            Some(Token::Filter) => power::FILTER,
            Some(Token::Dot) => power::DOT,
            Some(Token::LeftBracket) => power::BRACKET,
            _ => 0,
        }
    }

    fn expression(&mut self, stronger_than: u8) -> Result<Node, String> {
        if self.depth == MAX_DEPTH {
            return Err(too_deep());
        }
        self.depth += 1;
        let mut left = self.start()?;
        while self.binding() > stronger_than {
            left = self.go_on(left)?;
        }
        self.depth -= 1;
        Ok(left)
    }

    /// What can begin an expression.
    fn start(&mut self) -> Result<Node, String> {
        match self.next()? {
            Token::Name(name) if self.accept(&Token::LeftParen) => self.call(name),
            Token::Name(name) | Token::QuotedName(name) => Ok(Node::Field(name.clone())),
            Token::Literal(value) => Ok(Node::Literal(value.clone())),
            Token::Current => Ok(Node::Current),
            Token::Star => self.each_value(Node::Current),
            Token::Flatten => self.flatten(Node::Current),
            Token::Filter => self.filter(Node::Current),
            Token::Not => Ok(Node::Not(Box::new(self.expression(power::NOT)?))),
            Token::LeftBrace => self.object(),
            Token::LeftParen => {
                let inside = self.expression(0)?;
                self.expect(&Token::RightParen)?;
                Ok(inside)
            }
            Token::LeftBracket => self.bracket(Node::Current, true),
            other => Err(unexpected(other)),
        }
    }

    /// What can follow an expression.
    fn go_on(&mut self, left: Node) -> Result<Node, String> {
        let left = Box::new(left);
        let operator = self.next()?;
        Ok(match operator {
            Token::Pipe => Node::Then(left, Box::new(self.expression(power::PIPE)?)),
            Token::Or => Node::Or(left, Box::new(self.expression(power::OR)?)),
            Token::And => Node::And(left, Box::new(self.expression(power::AND)?)),
            Token::Flatten => return self.flatten(*left),
            Token::Filter => return self.filter(*left),
            Token::LeftBracket => return self.bracket(*left, false),
            Token::Dot if self.accept(&Token::Star) => return self.each_value(*left),
            Token::Dot => Node::Then(left, Box::new(self.after_dot(power::DOT)?)),
            _ => Node::Compare(operator.clone(), left, Box::new(self.expression(power::COMPARE)?)),
        })
    }

    fn after_dot(&mut self, stronger_than: u8) -> Result<Node, String> {
        match self.rest.first() {
            Some(Token::Name(_) | Token::QuotedName(_) | Token::Star) => self.expression(stronger_than),
            Some(Token::LeftBracket) => {
                self.next()?;
                self.list()
            }
            Some(Token::LeftBrace) => {
                self.next()?;
                self.object()
            }
            Some(other) => Err(unexpected(other)),
            None => Err("unexpected end of the query".to_owned()),
        }
    }

    /// The part that a projection applies to every item.
    fn projected(&mut self, stronger_than: u8) -> Result<Box<Node>, String> {
        let binding = self.binding();
        let node = match self.rest.first() {
            _ if binding < power::PROJECTION_END => Node::Current,
            Some(Token::LeftBracket | Token::Filter) => self.expression(stronger_than)?,
            Some(Token::Dot) => {
                self.next()?;
                self.after_dot(stronger_than)?
            }
            Some(other) => return Err(unexpected(other)),
            None => Node::Current,
        };
        Ok(Box::new(node))
    }

    fn each_value(&mut self, object: Node) -> Result<Node, String> {
        Ok(Node::EachValue(Box::new(object), self.projected(power::STAR)?))
    }

    fn flatten(&mut self, list: Node) -> Result<Node, String> {
        Ok(Node::Each(Box::new(Node::Flatten(Box::new(list))), self.projected(power::FLATTEN)?))
    }

    fn filter(&mut self, list: Node) -> Result<Node, String> {
        let condition = Box::new(self.expression(0)?);
        self.expect(&Token::RightBracket)?;
        let then = match self.rest.first() {
            Some(Token::Flatten) => Box::new(Node::Current),
            _ => self.projected(power::FILTER)?,
        };
        Ok(Node::EachWhere { list: Box::new(list), condition, then })
    }

    /// After `[`: an index, a slice, `*`, or a list of expressions where one may stand.
    fn bracket(&mut self, left: Node, may_be_list: bool) -> Result<Node, String> {
        let left = Box::new(left);
        match self.rest.first() {
            Some(Token::Number(_) | Token::Colon) => match self.index_or_slice()? {
                slice @ Node::Slice { .. } => {
                    Ok(Node::Each(Box::new(Node::Then(left, Box::new(slice))), self.projected(power::STAR)?))
                }
                index => Ok(Node::Then(left, Box::new(index))),
            },
            Some(Token::Star) if self.rest.get(1) == Some(&Token::RightBracket) => {
                self.rest = &self.rest[2..];
                Ok(Node::Each(left, self.projected(power::STAR)?))
            }
            _ if may_be_list => self.list(),
            Some(other) => Err(unexpected(other)),
            None => Err("unexpected end of the query".to_owned()),
        }
    }

    fn index_or_slice(&mut self) -> Result<Node, String> {
        let mut parts = [None; 3];
        let mut position = 0;
        loop {
            match self.next()? {
                Token::Number(number) if parts[position].is_none() => parts[position] = Some(*number),
                Token::Colon if position < 2 => position += 1,
                Token::RightBracket => break,
                other => return Err(unexpected(other)),
            }
        }
        match (position, parts) {
            (0, [Some(index), ..]) => Ok(Node::Index(index)),
            (_, [_, _, Some(0)]) => Err("the step of a slice cannot be 0".to_owned()),
            (_, [start, stop, step]) => Ok(Node::Slice { start, stop, step: step.unwrap_or(1) }),
        }
    }

    fn list(&mut self) -> Result<Node, String> {
        let mut items = vec![self.expression(0)?];
        while self.accept(&Token::Comma) {
            items.push(self.expression(0)?);
        }
        self.expect(&Token::RightBracket)?;
        Ok(Node::List(items))
    }

    fn object(&mut self) -> Result<Node, String> {
        let mut members = Vec::new();
        loop {
            let name = match self.next()? {
                Token::Name(name) | Token::QuotedName(name) => name.clone(),
                other => return Err(unexpected(other)),
            };
            self.expect(&Token::Colon)?;
            members.push((name, self.expression(0)?));
            if !self.accept(&Token::Comma) {
                self.expect(&Token::RightBrace)?;
                return Ok(Node::Object(members));
            }
        }
    }

    fn call(&mut self, name: &str) -> Result<Node, String> {
        let mut arguments = Vec::new();
        if self.accept(&Token::RightParen) {
            return Ok(Node::Call(name.to_owned(), arguments));
        }
        loop {
            arguments.push(if self.accept(&Token::Reference) {
                Argument::Reference(self.expression(0)?)
            } else {
                Argument::Value(self.expression(0)?)
            });
            if !self.accept(&Token::Comma) {
                self.expect(&Token::RightParen)?;
                return Ok(Node::Call(name.to_owned(), arguments));
            }
        }
    }
}
