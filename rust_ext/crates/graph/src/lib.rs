//! EZKL's compiled model, decoded.
