//! XACML policies: text to compiled policy, and (policy, request) to a decision with obligations.
