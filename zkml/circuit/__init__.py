"""The circuit: EZKL's compiled model, what it holds and what it leaves open."""
