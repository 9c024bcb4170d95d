"""Spec files: YAML from files, directories and standard input with the place of every field, and back to YAML."""

from reconciler.adapters.spec_files.sources import STDIN, read_documents
from reconciler.adapters.spec_files.texts import SpecText, read_texts, texts_of
from reconciler.adapters.spec_files.writing import write_documents

__all__ = ["STDIN", "SpecText", "read_documents", "read_texts", "texts_of", "write_documents"]
