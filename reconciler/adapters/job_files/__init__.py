"""Files for stations: the shelf of firmware, their uploads, and the HTTP application at which both change hands."""

from reconciler.adapters.job_files.desk import FileDesk
from reconciler.adapters.job_files.exchange import build_exchange
from reconciler.adapters.job_files.shelf import Shelf
from reconciler.adapters.job_files.uploads import KeptUploads

__all__ = ["FileDesk", "KeptUploads", "Shelf", "build_exchange"]
