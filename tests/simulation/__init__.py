"""The relay core in seeded worlds of virtual time; every rule is checked over the whole recorded history."""
