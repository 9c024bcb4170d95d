"""What every document says about itself: its name and its labels."""

from pydantic import Field

from reconciler.model.kinds.base import FrozenDict, Labels, Name, SpecModel


class Metadata(SpecModel):
    """The `metadata` of a document."""

    name: Name
    """Lower-case letters, digits, '-' and '.'; at most 63."""
    labels: Labels = Field(default_factory=FrozenDict)
    """What selectors and --select look at."""
