"""Waking locked phones: whom and when, through which address, and what leaves the box for it."""
