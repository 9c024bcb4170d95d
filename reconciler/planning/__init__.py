"""Pure planning: resolve specs, effective desired state at a time, diff, order, guards, drift, rendering."""
