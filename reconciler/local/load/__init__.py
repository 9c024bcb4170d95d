"""Load management: a limit over a group of chargers, kept through charging profiles where `local` owns smart-charging.

station's meter values ──> metering ──> Facts ──┐
                                                ├──> Balance ──> SetLimit, Withdraw ──> profiles (the wire)
what stations accepted ──> allotments ──────────┘       │
                                                     sharing: who gets how much of what is left
"""
