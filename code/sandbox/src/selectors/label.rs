//! Label selectors: `app=db,tier in (a, b),!legacy`.

use crate::error::{Failure, Outcome};
use std::collections::BTreeMap;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Operator {
    In(Vec<String>),
    NotIn(Vec<String>),
    Exists,
    Absent,
    Above(i64),
    Below(i64),
}

/// All requirements have to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LabelSelector(Vec<(String, Operator)>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Sign(&'static str),
    End,
}

impl Token {
    fn text(&self) -> &str {
        match self {
            Self::Word(word) => word,
            Self::Sign(sign) => sign,
            Self::End => "",
        }
    }
}

impl LabelSelector {
    pub(crate) fn parse(text: &str) -> Outcome<Self> {
        let refused = |why: String| Failure::bad_request(format!("unable to parse requirement: {why}"));
        let mut parser = Parser { tokens: tokens(text), at: 0 };
        let mut all = Vec::new();
        if *parser.peek() == Token::End {
            return Ok(Self::default());
        }
        loop {
            all.push(parser.requirement().map_err(refused)?);
            match parser.next() {
                Token::End => break,
                Token::Sign(",") => {}
                other => {
                    return Err(refused(format!(
                        "found '{}', expected: ',' or 'end of string'",
                        other.text()
                    )));
                }
            }
        }
        Ok(Self(all))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.0.iter().all(|(key, operator)| {
            let value = labels.get(key);
            let number = || value.and_then(|value| value.parse::<i64>().ok());
            match operator {
                Operator::In(values) => value.is_some_and(|value| values.contains(value)),
                Operator::NotIn(values) => value.is_none_or(|value| !values.contains(value)),
                Operator::Exists => value.is_some(),
                Operator::Absent => value.is_none(),
                Operator::Above(bound) => number().is_some_and(|value| value > *bound),
                Operator::Below(bound) => number().is_some_and(|value| value < *bound),
            }
        })
    }
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
}

impl Parser {
    fn peek(&self) -> &Token {
        self.tokens.get(self.at).unwrap_or(&Token::End)
    }

    fn next(&mut self) -> Token {
        let token = self.peek().clone();
        self.at += 1;
        token
    }

    fn requirement(&mut self) -> Result<(String, Operator), String> {
        let absent = *self.peek() == Token::Sign("!");
        if absent {
            self.next();
        }
        let key = match self.next() {
            Token::Word(key) => key,
            other => return Err(format!("found '{}', expected: identifier", other.text())),
        };
        check_key(&key)?;
        if absent {
            return Ok((key, Operator::Absent));
        }
        let operator = match self.peek().clone() {
            Token::End | Token::Sign(",") => return Ok((key, Operator::Exists)),
            operator => operator,
        };
        self.next();
        let operator = match operator.text() {
            "=" | "==" => Operator::In(vec![self.value()?]),
            "!=" => Operator::NotIn(vec![self.value()?]),
            "in" => Operator::In(self.values()?),
            "notin" => Operator::NotIn(self.values()?),
            ">" => Operator::Above(self.bound()?),
            "<" => Operator::Below(self.bound()?),
            other => {
                return Err(format!("found '{other}', expected: in, notin, =, ==, !=, gt, lt"));
            }
        };
        Ok((key, operator))
    }

    fn value(&mut self) -> Result<String, String> {
        match self.peek().clone() {
            Token::Word(value) => {
                self.next();
                check_value(&value)?;
                Ok(value)
            }
            Token::End | Token::Sign(",") => Ok(String::new()),
            Token::Sign(other) => Err(format!("found '{other}', expected: identifier")),
        }
    }

    fn bound(&mut self) -> Result<i64, String> {
        let value = self.value()?;
        value.parse().map_err(|_| {
            format!(
                "values[0]: Invalid value: {value:?}: for 'Gt', 'Lt' operators, the value must be an integer"
            )
        })
    }

    fn values(&mut self) -> Result<Vec<String>, String> {
        match self.next() {
            Token::Sign("(") => {}
            other => return Err(format!("found '{}' expected: '('", other.text())),
        }
        let mut values = Vec::new();
        loop {
            match self.next() {
                Token::Word(value) => values.push(value),
                Token::Sign(")") => return Ok(values),
                Token::Sign(",") => {}
                other => return Err(format!("found '{}', expected: ',', ')' or identifier", other.text())),
            }
        }
    }
}

fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    'next: while !rest.is_empty() {
        for sign in ["==", "!=", "=", "!", ",", "(", ")", ">", "<"] {
            if let Some(after) = rest.strip_prefix(sign) {
                tokens.push(Token::Sign(sign));
                rest = after.trim_start();
                continue 'next;
            }
        }
        let end = rest.find(|c: char| "=!,()<>".contains(c) || c.is_whitespace()).unwrap_or(rest.len());
        tokens.push(Token::Word(rest[..end].to_owned()));
        rest = rest[end..].trim_start();
    }
    tokens
}

fn check_key(key: &str) -> Result<(), String> {
    crate::names::qualified(key).map_err(|why| format!("key: Invalid value: {key:?}: {why}"))
}

fn check_value(value: &str) -> Result<(), String> {
    crate::names::label_value(value).map_err(|why| format!("values[0]: Invalid value: {value:?}: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requirements_select_by_labels() {
        let labels =
            BTreeMap::from([("app".to_owned(), "db".to_owned()), ("size".to_owned(), "3".to_owned())]);
        for (selector, expected) in [
            ("", true),
            ("app", true),
            ("!app", false),
            ("app=db", true),
            ("app == db , size != 4", true),
            ("app!=db", false),
            ("app in (web, db)", true),
            ("app notin (web)", true),
            ("missing notin (web)", true),
            ("missing!=web", true),
            ("missing=", false),
            ("size>2,size<4", true),
            ("example.com/part=a", false),
        ] {
            let parsed = LabelSelector::parse(selector);
            assert_eq!(parsed.map(|parsed| parsed.matches(&labels)).ok(), Some(expected), "{selector}");
        }
    }

    #[test]
    fn broken_selectors_are_refused_in_the_servers_words() {
        for (selector, message) in [
            ("a===b", "unable to parse requirement: found '=', expected: identifier"),
            (",", "unable to parse requirement: found ',', expected: identifier"),
            ("a in b", "unable to parse requirement: found 'b' expected: '('"),
        ] {
            assert_eq!(LabelSelector::parse(selector).err().map(|e| e.message).as_deref(), Some(message));
        }
    }
}
