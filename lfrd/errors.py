"""The tree of errors, one class for each different reaction.

LfrdError                      shown to a person in one line: what, where, what to do
├── SettingError               fix config.toml (key = the setting's path)
├── MissingError               a file, device or library is not there
├── CorruptError               a file is there and cannot be used (path)
├── DigestError                a file is not the one that its manifest names (path, wanted, found)
├── DownloadError              the network or the server refused; may be tried again (url)
├── ProviderError              an execution provider was asked for and is not there (provider)
├── CalibrationError           the pack's card does not say what threshold to use
├── SourceError                a camera's news: its supervisor retries (camera)
├── StoreError                 the store cannot keep what it must (full disk, damaged file): the process stops
├── SealError                  sealed data does not open: another key, or changed bytes
├── NotAllowed                 an officer may not do this now (code, shown on the phone)
│   └── NotReady               a deployment lacks something (missing = one line each)
└── BusyError                  an address or a data folder is in use by another process
"""

from __future__ import annotations

from pathlib import Path


class LfrdError(Exception):
    """Its text is one line that a person can act on, without biometrics and without secrets."""


class SettingError(LfrdError):
    def __init__(self, key: str, problem: str) -> None:
        super().__init__(f"config: {key}: {problem}")
        self.key = key
        self.problem = problem


class MissingError(LfrdError):
    pass


class CorruptError(LfrdError):
    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path = path
        self.problem = problem


class DigestError(LfrdError):
    def __init__(self, path: Path, wanted: str, found: str) -> None:
        super().__init__(
            f"{path}: not the file that the manifest names (SHA-256 {found[:12]}…, wanted {wanted[:12]}…); "
            "install the pack again"
        )
        self.path = path
        self.wanted = wanted
        self.found = found


class DownloadError(LfrdError):
    def __init__(self, url: str, problem: str) -> None:
        super().__init__(f"{url}: {problem}")
        self.url = url
        self.problem = problem


class ProviderError(LfrdError):
    def __init__(self, provider: str, problem: str) -> None:
        super().__init__(
            f"execution provider '{provider}' is not available: {problem}, or change inference.provider"
        )
        self.provider = provider


class CalibrationError(LfrdError):
    pass


class SourceError(LfrdError):
    """`problem` never carries credentials: sources redact addresses before they raise."""

    def __init__(self, camera: str, problem: str) -> None:
        super().__init__(f"camera '{camera}': {problem}")
        self.camera = camera
        self.problem = problem


class StoreError(LfrdError):
    pass


class NotAllowed(LfrdError):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class NotReady(NotAllowed):
    """missing: what a deployment lacks before this step, one line each, each naming what to do."""

    def __init__(self, missing: list[str]) -> None:
        super().__init__("not_ready", "; ".join(missing))
        self.missing = missing


class SealError(LfrdError):
    """Never says what the sealed bytes were."""


class BusyError(LfrdError):
    pass
