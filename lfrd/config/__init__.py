"""Settings: declared in `tables`, read from config.toml by `reading`, written out by `printing`."""

from lfrd.config.printing import commented, settings
from lfrd.config.reading import camera_password, load, parse
from lfrd.config.secret import Secret
from lfrd.config.tables import (
    Analysis,
    Camera,
    Config,
    DecisionSettings,
    Inference,
    Log,
    Notice,
    Placed,
    Post,
    Sealing,
    SignIn,
    Site,
    Tracking,
    Watchlists,
    Web,
)

__all__ = [
    "Analysis",
    "Camera",
    "Config",
    "DecisionSettings",
    "Inference",
    "Log",
    "Notice",
    "Placed",
    "Post",
    "Sealing",
    "Secret",
    "SignIn",
    "Site",
    "Tracking",
    "Watchlists",
    "Web",
    "camera_password",
    "commented",
    "load",
    "parse",
    "settings",
]
