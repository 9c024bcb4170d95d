"""fwdctl: a relay for OCPP, and the reconciler that runs it from YAML in Git."""

__version__ = "0.1.0"
