"""What to call a browser in the list of devices, from what it says about itself."""

from __future__ import annotations

_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chromium"),
    ("Safari/", "Safari"),
)
"""Signs in a `User-Agent` (RFC 9110, section 10.1.5). Each browser also names those it descends from, so the
first sign found decides. Chromium's many relatives cannot be told apart."""

_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Macintosh", "Mac"),
    ("Linux", "Linux"),
)
"""Android also says Linux, and an iPhone also says that it is like a Mac."""


def device_name(user_agent: str) -> str:
    """Return a name such as `Chromium on Linux` or `Safari on iPhone`; `Browser` when half is unknown."""
    browser = next((name for sign, name in _BROWSERS if sign in user_agent), "")
    system = next((name for sign, name in _SYSTEMS if sign in user_agent), "")
    return f"{browser} on {system}" if browser and system else "Browser"
