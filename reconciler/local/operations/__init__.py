"""Operations: what `local` can have a charging station do, where it owns the feature.

catalogue.py ──> Operation: name, feature, typed parameters and result, and a course
Order (version, parameters) ──> course ──> Machine: (event, now) -> commands
"""
