"""`serve --workers N`: a parent that supervises, a front that talks to people, N workers that talk to stations.

supervisor ── opens every door, starts and restarts ──┬─> front       admin API, console, files; the controller, mostly
    holds one listening socket a worker               ├─> worker 1    stations
                                                      └─> worker 2    stations        each a node of ADR 19
"""
