"""Writing: documents as YAML that reads back as the same data, here and in readers of YAML 1.1."""

from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from reconciler.adapters.spec_files.scalars import plain_scalar


class _Dumper(yaml.CSafeDumper):
    """Quotes text that some YAML would take for something else; writes repeated values out."""

    def ignore_aliases(self, data: Any) -> bool:
        """True: aliases are for machines."""
        return True


def _represent_text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    style = None if isinstance(plain_scalar(text), str) else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)


def write_documents(contents: Iterable[Mapping[str, Any]]) -> str:
    """Return JSON data as YAML documents; `read_documents` of it gives the same data."""
    return yaml.dump_all(contents, Dumper=_Dumper, sort_keys=False, allow_unicode=True, explicit_start=True, width=120)
