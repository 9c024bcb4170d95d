"""The tests: unit mirrors `reconciler/`, the rest is by kind."""
