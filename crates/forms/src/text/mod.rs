//! Text resources and their variables.
