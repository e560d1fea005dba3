//! The nouns of the platform: instances, data elements, process state, events, identities, and their exact JSON.
