"""Use cases, straight-line async; `ports.py` holds the Protocols they are given. No I/O library here."""
