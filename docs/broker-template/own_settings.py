"""The keys of the YAML that are this adapter's own; whatever is not declared here or for every broker is refused."""

from pydantic import Field

from include.domain.model import Value


class TemplateSettings(Value):
    """What the YAML says beyond the keys of every broker.

    Attributes:
        exchanges: The broker's word for a market to its MIC.
    """

    exchanges: dict[str, str] = Field(default_factory=dict)
