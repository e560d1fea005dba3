//! What can be said of an expression before it is evaluated, for reports when an application is loaded.
//!
//! Contract: app-forms 4.7.

use super::function::Function;
use super::syntax::Expression;

/// A field that an expression or a binding names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct NamedField<'a> {
    pub field: &'a str,
    /// The data type, when it is not the default one.
    pub data_type: Option<&'a str>,
}

impl Expression {
    /// Calls that fail whenever they are evaluated: unknown functions and wrong numbers of arguments.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        self.visit_calls(&mut |function, arguments| problems.extend(problem_of(function, arguments.len())));
        problems
    }

    /// The component ids this expression looks up, as far as they are literal.
    pub fn component_ids(&self) -> Vec<&str> {
        let mut ids = Vec::new();
        self.visit_calls(&mut |function, arguments| {
            if *function == Function::Component {
                ids.extend(arguments.first().and_then(Expression::as_literal_text));
            }
        });
        ids
    }

    /// The fields this expression looks up, as far as they are literal.
    pub fn fields(&self) -> Vec<NamedField<'_>> {
        let mut fields = Vec::new();
        self.visit_calls(&mut |function, arguments| {
            if *function == Function::DataModel {
                let field = arguments.first().and_then(Expression::as_literal_text);
                let data_type = arguments.get(1).and_then(Expression::as_literal_text);
                fields.extend(field.map(|field| NamedField { field, data_type }));
            }
        });
        fields
    }

    /// Whether the expression calls this function anywhere.
    pub fn calls(&self, wanted: &Function) -> bool {
        let mut found = false;
        self.visit_calls(&mut |function, _| found |= function == wanted);
        found
    }

    /// Every call, outermost first.
    fn visit_calls<'a>(&'a self, visit: &mut dyn FnMut(&'a Function, &'a [Expression])) {
        if let Self::Call { function, arguments } = self {
            visit(function, arguments);
            for argument in arguments {
                argument.visit_calls(visit);
            }
        }
    }
}

fn problem_of(function: &Function, count: usize) -> Option<String> {
    if let Function::Unknown(name) | Function::Link(name) = function {
        return Some(format!("Function \"{name}\" not implemented in backend"));
    }
    let (least, most) = function.argument_counts();
    let fits = (least..=most).contains(&count) && !(*function == Function::If && count == 3);
    (!fits).then(|| {
        let expected = match most {
            usize::MAX => format!("{least} or more"),
            most if most == least => least.to_string(),
            most => format!("{least} to {most}"),
        };
        format!("A call of {function:?} must have {expected} argument(s), got {count}")
    })
}

impl Function {
    /// The smallest and the largest number of arguments.
    fn argument_counts(&self) -> (usize, usize) {
        match self {
            Self::GatewayAction | Self::Concat | Self::List | Self::Object | Self::Unknown(_) => (0, usize::MAX),
            Self::And | Self::Or | Self::Plus | Self::Multiply | Self::Link(_) => (1, usize::MAX),
            Self::Language | Self::ArgumentValue => (0, 0),
            Self::If => (2, 4),
            Self::Compare => (3, 4),
            Self::StringReplace => (3, 3),
            Self::StringSlice => (2, 3),
            Self::Round | Self::FormatDate | Self::DataModel => (1, 2),
            Self::Equals
            | Self::NotEquals
            | Self::GreaterThan
            | Self::GreaterThanEq
            | Self::LessThan
            | Self::LessThanEq
            | Self::Contains
            | Self::NotContains
            | Self::StartsWith
            | Self::EndsWith
            | Self::CommaContains
            | Self::StringIndexOf
            | Self::Minus
            | Self::Divide
            | Self::Average
            | Self::Jmespath => (2, 2),
            Self::Not
            | Self::StringLength
            | Self::LowerCase
            | Self::UpperCase
            | Self::LowerCaseFirst
            | Self::UpperCaseFirst
            | Self::Sum
            | Self::Count
            | Self::Component
            | Self::InstanceContext
            | Self::FrontendSettings
            | Self::Text
            | Self::CountDataElements
            | Self::Argv
            | Self::AuthContext => (1, 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn expression(json: &Value) -> Expression {
        Expression::parse(json).expect("an expression")
    }

    #[test]
    fn calls_that_can_only_fail_are_named() {
        let json = json!(["if", ["noSuch"], ["equals", 1], "else"]);
        assert_eq!(
            expression(&json).problems(),
            [
                "A call of If must have 2 to 4 argument(s), got 3",
                "Function \"noSuch\" not implemented in backend",
                "A call of Equals must have 2 argument(s), got 1",
            ]
        );
        assert_eq!(expression(&json!(["and", ["equals", 1, 2]])).problems(), [""; 0]);
    }

    #[test]
    fn what_is_looked_up_by_literal_names_is_listed() {
        let json = json!(["equals", ["component", "a"], ["dataModel", "b.c", "type"]]);
        assert_eq!(expression(&json).component_ids(), ["a"]);
        assert_eq!(expression(&json).fields(), [NamedField { field: "b.c", data_type: Some("type") }]);
        assert!(expression(&json).calls(&Function::Component));
    }
}
