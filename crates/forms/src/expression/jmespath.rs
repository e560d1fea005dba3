//! JMESPath queries.
use serde_json::Value;
use super::{ExpressionError, evaluate::Arguments};
pub(super) fn call(arguments: &Arguments<'_>) -> Result<Value, ExpressionError> {
    let [_data, query] = arguments.exactly()?;
    let Value::String(_) = query else { return Err(ExpressionError::new("Expected argument to be string")) };
    Err(ExpressionError::new("Jmespath error: \"not parsed\""))
}
