//! BPMN processes: text to graph, and (graph, state, action) to the transition it makes.
