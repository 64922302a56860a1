"""How a model becomes integers: scales, digits, columns, rows, visibility."""

from zkml.settings.run_args import RunArgs, Visibility
from zkml.settings.settings_file import read_settings, sorted_settings, write_settings

__all__ = ["RunArgs", "Visibility", "read_settings", "sorted_settings", "write_settings"]
