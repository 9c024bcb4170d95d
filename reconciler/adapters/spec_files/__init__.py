"""Spec files: YAML from files, directories and standard input with the place of every field, and back to YAML."""

from reconciler.adapters.spec_files.sources import STDIN, read_documents
from reconciler.adapters.spec_files.writing import write_documents

__all__ = ["STDIN", "read_documents", "write_documents"]
