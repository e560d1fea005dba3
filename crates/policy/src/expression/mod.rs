//! Conditions beyond the platform's one shape, evaluated as the standard says.
//!
//! Start with [`Expression::compile`]; functions are in [`function`], values in [`datum`]. XPath, attribute selectors
//! and variables are not understood: a condition that uses one does not compile.

pub(crate) mod datum;
pub(crate) mod function;

use roxmltree::Node;

use self::datum::Datum;
use self::function::{Function, function_name};
use crate::decision::Status;
use crate::request::Request;
use crate::vocabulary::{Category, DataType};
use crate::xml::{is, text};

/// A condition, or a part of one.
#[derive(Debug)]
pub(crate) enum Expression {
    Value(Datum),
    /// All values of the type that the request has for the attribute.
    Attribute {
        category: Category,
        id: Box<str>,
        data_type: DataType,
        must_be_present: bool,
    },
    Apply(Function, Vec<Expression>),
    /// A function applied over the elements of bags.
    Over(Iteration, Function, Vec<Expression>),
}

/// How a function is applied over bags.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Iteration {
    /// For some choice of elements. One bag or more; single values stay.
    Any,
    /// For every element of the one bag.
    All,
    AllOfAny,
    AnyOfAll,
    AllOfAll,
    /// The bag of the results.
    Map,
}

/// Most arguments a function is applied over. Each multiplies the work by its size; the standard's functions take two.
const MOST_BAGS: usize = 3;

/// What an expression gives.
#[derive(Clone, Debug)]
pub(crate) enum Evaluated {
    One(Datum),
    Bag(Vec<Datum>),
}

/// Why an expression gives nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Undecided {
    MissingAttribute,
    ProcessingError,
}

impl From<Undecided> for Status {
    fn from(undecided: Undecided) -> Self {
        match undecided {
            Undecided::MissingAttribute => Self::MissingAttribute,
            Undecided::ProcessingError => Self::ProcessingError,
        }
    }
}

impl Evaluated {
    /// The value, or the elements of the bag.
    pub(crate) fn values(&self) -> impl Iterator<Item = &Datum> + Clone {
        match self {
            Self::One(value) => std::slice::from_ref(value).iter(),
            Self::Bag(values) => values.iter(),
        }
    }
}

impl Expression {
    /// Reads an expression element; `None` when it uses something that is not understood.
    pub(crate) fn compile(node: Node<'_, '_>) -> Option<Self> {
        if is(node, "AttributeValue") {
            let data_type = DataType::from_uri(node.attribute("DataType")?);
            return Datum::parse(&data_type, &text(node)).map(Self::Value);
        }
        if is(node, "AttributeDesignator") {
            return Some(Self::Attribute {
                category: Category::from_uri(node.attribute("Category")?),
                id: node.attribute("AttributeId")?.into(),
                data_type: DataType::from_uri(node.attribute("DataType")?),
                must_be_present: matches!(node.attribute("MustBePresent")?.trim(), "true" | "1"),
            });
        }
        if !is(node, "Apply") {
            return None;
        }
        let uri = node.attribute("FunctionId")?;
        let mut arguments = node.children().filter(|child| child.is_element() && !is(*child, "Description"));
        match Iteration::from_name(function_name(uri)?) {
            Some(iteration) => {
                let function = arguments.next().filter(|first| is(*first, "Function"))?;
                let function = Function::from_uri(function.attribute("FunctionId")?)?;
                let arguments: Vec<_> = arguments.map(Self::compile).collect::<Option<_>>()?;
                (arguments.len() <= MOST_BAGS).then_some(Self::Over(iteration, function, arguments))
            }
            None => Some(Self::Apply(Function::from_uri(uri)?, arguments.map(Self::compile).collect::<Option<_>>()?)),
        }
    }

    /// The truth of a condition.
    pub(crate) fn holds(&self, request: &Request<'_>) -> Result<bool, Undecided> {
        match self.evaluate(request)? {
            Evaluated::One(Datum::Boolean(value)) => Ok(value),
            _ => Err(Undecided::ProcessingError),
        }
    }

    fn evaluate(&self, request: &Request<'_>) -> Result<Evaluated, Undecided> {
        match self {
            Self::Value(value) => Ok(Evaluated::One(value.clone())),
            Self::Attribute { category, id, data_type, must_be_present } => {
                let values = request.values(category, id).filter(|value| value.data_type == *data_type);
                let values: Option<Vec<_>> = values.map(|value| Datum::parse(data_type, &value.text)).collect();
                let values = values.ok_or(Undecided::ProcessingError)?;
                if values.is_empty() && *must_be_present {
                    return Err(Undecided::MissingAttribute);
                }
                Ok(Evaluated::Bag(values))
            }
            Self::Apply(Function::And, conditions) => boolean(at_least(conditions.len(), conditions, request)?),
            Self::Apply(Function::Or, conditions) => {
                boolean(!conditions.is_empty() && at_least(1, conditions, request)?)
            }
            Self::Apply(Function::NOf, arguments) => {
                let (wanted, conditions) = arguments.split_first().ok_or(Undecided::ProcessingError)?;
                let Evaluated::One(Datum::Integer(wanted)) = wanted.evaluate(request)? else {
                    return Err(Undecided::ProcessingError);
                };
                boolean(at_least(usize::try_from(wanted).unwrap_or(0), conditions, request)?)
            }
            Self::Apply(function, arguments) => function.apply(&evaluate_all(arguments, request)?),
            Self::Over(iteration, function, arguments) => iteration.apply(function, &evaluate_all(arguments, request)?),
        }
    }
}

fn evaluate_all(arguments: &[Expression], request: &Request<'_>) -> Result<Vec<Evaluated>, Undecided> {
    arguments.iter().map(|argument| argument.evaluate(request)).collect()
}

fn boolean(value: bool) -> Result<Evaluated, Undecided> {
    Ok(Evaluated::One(Datum::Boolean(value)))
}

/// Whether at least so many conditions hold. Undecided ones matter only when the others do not settle it.
fn at_least(wanted: usize, conditions: &[Expression], request: &Request<'_>) -> Result<bool, Undecided> {
    if wanted > conditions.len() {
        return Err(Undecided::ProcessingError);
    }
    let (mut held, mut undecided) = (0, Vec::new());
    for (at, condition) in conditions.iter().enumerate() {
        if held >= wanted {
            return Ok(true);
        }
        if held + undecided.len() + (conditions.len() - at) < wanted {
            return Ok(false);
        }
        match condition.holds(request) {
            Ok(true) => held += 1,
            Ok(false) => {}
            Err(why) => undecided.push(why),
        }
    }
    match undecided.first() {
        _ if held >= wanted => Ok(true),
        Some(why) if held + undecided.len() >= wanted => Err(*why),
        _ => Ok(false),
    }
}

impl Iteration {
    fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "any-of" | "any-of-any" => Self::Any,
            "all-of" => Self::All,
            "all-of-any" => Self::AllOfAny,
            "any-of-all" => Self::AnyOfAll,
            "all-of-all" => Self::AllOfAll,
            "map" => Self::Map,
            _ => return None,
        })
    }

    fn apply(self, function: &Function, arguments: &[Evaluated]) -> Result<Evaluated, Undecided> {
        let truth = |chosen: &[Evaluated]| match function.apply(chosen)? {
            Evaluated::One(Datum::Boolean(value)) => Ok(value),
            _ => Err(Undecided::ProcessingError),
        };
        let pair = |left: &Datum, right: &Datum| truth(&[Evaluated::One(left.clone()), Evaluated::One(right.clone())]);
        match (self, arguments) {
            (Self::Any, _) => boolean(any_choice(arguments, &mut Vec::new(), &truth)?),
            (Self::All, _) => {
                for chosen in choices_of_one_bag(arguments)? {
                    if !truth(&chosen)? {
                        return boolean(false);
                    }
                }
                boolean(true)
            }
            (Self::Map, _) => {
                let mut results = Vec::new();
                for chosen in choices_of_one_bag(arguments)? {
                    match function.apply(&chosen)? {
                        Evaluated::One(value) => results.push(value),
                        Evaluated::Bag(_) => return Err(Undecided::ProcessingError),
                    }
                }
                Ok(Evaluated::Bag(results))
            }
            (Self::AllOfAny, [Evaluated::Bag(left), Evaluated::Bag(right)]) => {
                boolean(all(left, |left| any(right, |right| pair(left, right)))?)
            }
            (Self::AnyOfAll, [Evaluated::Bag(left), Evaluated::Bag(right)]) => {
                boolean(any(left, |left| all(right, |right| pair(left, right)))?)
            }
            (Self::AllOfAll, [Evaluated::Bag(left), Evaluated::Bag(right)]) => {
                boolean(all(left, |left| all(right, |right| pair(left, right)))?)
            }
            _ => Err(Undecided::ProcessingError),
        }
    }
}

fn any(values: &[Datum], mut test: impl FnMut(&Datum) -> Result<bool, Undecided>) -> Result<bool, Undecided> {
    for value in values {
        if test(value)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn all(values: &[Datum], mut test: impl FnMut(&Datum) -> Result<bool, Undecided>) -> Result<bool, Undecided> {
    any(values, |value| test(value).map(|holds| !holds)).map(|found| !found)
}

/// Whether the function holds for some choice of one element per argument.
fn any_choice(
    arguments: &[Evaluated],
    chosen: &mut Vec<Evaluated>,
    truth: &impl Fn(&[Evaluated]) -> Result<bool, Undecided>,
) -> Result<bool, Undecided> {
    let Some((first, rest)) = arguments.split_first() else { return truth(chosen) };
    for value in first.values() {
        chosen.push(Evaluated::One(value.clone()));
        let holds = any_choice(rest, chosen, truth);
        chosen.pop();
        if holds? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The argument lists with the one bag among the arguments replaced by each of its elements.
fn choices_of_one_bag(arguments: &[Evaluated]) -> Result<Vec<Vec<Evaluated>>, Undecided> {
    let mut bags = arguments.iter().enumerate().filter(|(_, argument)| matches!(argument, Evaluated::Bag(_)));
    let (Some((at, bag)), None) = (bags.next(), bags.next()) else { return Err(Undecided::ProcessingError) };
    let choice = |value: &Datum| {
        let mut chosen = arguments.to_vec();
        chosen[at] = Evaluated::One(value.clone());
        chosen
    };
    Ok(bag.values().map(choice).collect())
}
