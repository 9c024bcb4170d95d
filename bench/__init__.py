"""The benchmark: this relay beside what a user would pick instead, on the same load in the same run."""
