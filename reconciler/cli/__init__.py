"""fwdctl: one module per group of verbs; each parses, wires, prints and returns an exit code."""
