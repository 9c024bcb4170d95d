"""The words: spec kinds, addresses, the resolved site, live state, plan, diagnostics. Frozen values only."""
