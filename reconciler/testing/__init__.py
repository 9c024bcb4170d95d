"""Shipped fakes: a simulated charging station and CSMS for the demo, the tests and users' own tests."""
