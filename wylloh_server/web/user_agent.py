"""What to call a browser in the list of devices, and whether it is a TV's, from what it says about itself."""

from __future__ import annotations

_TVS = (
    ("PlayStation", "PlayStation"),
    ("Xbox", "Xbox"),
    ("; AFT", "Fire TV"),
    ("CrKey", "Chromecast"),
    ("GoogleTV", "Android TV"),
    ("Android TV", "Android TV"),
    ("BRAVIA", "Android TV"),
    ("Web0S", "LG TV"),
    ("webOS.TV", "LG TV"),
    ("SMART-TV; LINUX; Tizen", "Samsung TV"),
    ("SMART-TV; Linux; Tizen", "Samsung TV"),
    ("SmartTV; U; Maple", "Samsung TV"),
    ("SMART-TV", "TV"),
    ("SmartTV", "TV"),
    ("HbbTV/", "TV"),
)
"""Signs of browsers on TVs and on what is plugged into them, a maker's before what several say. Tizen and
webOS alone may also be a watch or a phone. `HbbTV/` is from ETSI TS 102 796, section 7.3.2.4."""

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


def is_tv(user_agent: str) -> bool:
    """Return whether a browser is a TV's, where people have a remote and no wallet."""
    return bool(_tv(user_agent))


def device_name(user_agent: str) -> str:
    """Return a name such as `Samsung TV` or `Chromium on Linux`; `Browser` when half of it is unknown."""
    if tv := _tv(user_agent):
        return tv
    browser = next((name for sign, name in _BROWSERS if sign in user_agent), "")
    system = next((name for sign, name in _SYSTEMS if sign in user_agent), "")
    return f"{browser} on {system}" if browser and system else "Browser"


def _tv(user_agent: str) -> str:
    return next((name for sign, name in _TVS if sign in user_agent), "")
