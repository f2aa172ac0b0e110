"""lfrd: live facial recognition that a police force can trust and the public can check."""

__version__ = "0.1.0"
