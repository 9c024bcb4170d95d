"""The built-in back-end's decisions: a CSMS that needs no socket."""
