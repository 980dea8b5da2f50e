from __future__ import annotations

import pytest

from wylloh_server.web.user_agent import device_name, is_tv

_WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
_APPLE = "AppleWebKit/605.1.15 (KHTML, like Gecko)"


TVS = {
    f"Mozilla/5.0 (SMART-TV; LINUX; Tizen 7.0) {_WEBKIT} 94.0.4606.31/7.0 TV Safari/537.36": "Samsung TV",
    "Mozilla/5.0 (Linux; Tizen 2.3; SmartHub; SMART-TV; SmartTV; U; Maple2012) AppleWebKit/538.1 Safari": "Samsung TV",
    f"Mozilla/5.0 (Web0S; Linux/SmartTV) {_WEBKIT} Chrome/94.0.4606.128 Safari/537.36 WebAppManager": "LG TV",
    f"Mozilla/5.0 (Linux; NetCast; U) {_WEBKIT} Chrome/79.0 Safari/537.36 SmartTV/10.0": "TV",
    f"Mozilla/5.0 (Linux; Android 9; BRAVIA 4K GB) {_WEBKIT} Chrome/109.0.0.0 Safari/537.36": "Android TV",
    f"Mozilla/5.0 (Linux; Android 12; Android TV) {_WEBKIT} Chrome/120.0.0.0 Safari/537.36": "Android TV",
    f"Mozilla/5.0 (Linux; Android 7.1.2; AFTMM) {_WEBKIT} Silk/108.4 like Chrome/108.0 Safari/537.36": "Fire TV",
    f"Mozilla/5.0 (X11; Linux armv7l) {_WEBKIT} Chrome/110.0 Safari/537.36 CrKey/1.56": "Chromecast",
    f"Mozilla/5.0 (PlayStation; PlayStation 5/6.50) {_APPLE} Version/15.4 Safari/605.1.15": "PlayStation",
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64; Xbox; Xbox One) {_WEBKIT} Chrome/120.0 Safari/537.36 Edg/120.0": "Xbox",
    "Mozilla/5.0 (Linux armv7l) AppleWebKit/537.36 HbbTV/1.5.1 (+DRM; Vestel; MB230; 1.0; ; )": "TV",
}
"""What browsers on TVs call themselves, and what people call those."""


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (
            f"Mozilla/5.0 (X11; Linux x86_64) {_WEBKIT} HeadlessChrome/140.0.0.0 Safari/537.36",
            "Chromium on Linux",
        ),
        (
            f"Mozilla/5.0 (Linux; Android 10; K) {_WEBKIT} Chrome/140.0.0.0 Mobile Safari/537.36",
            "Chromium on Android",
        ),
        (
            f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) {_APPLE} Version/18.0 Mobile/15E148 Safari/604.1",
            "Safari on iPhone",
        ),
        (
            f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) {_APPLE} CriOS/140.0 Mobile/15E148 Safari/604.1",
            "Chrome on iPhone",
        ),
        (
            f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {_APPLE} Version/18.0 Safari/605.1.15",
            "Safari on Mac",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0",
            "Firefox on Windows",
        ),
        (
            f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_WEBKIT} Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0",
            "Edge on Windows",
        ),
        *TVS.items(),
        ("Python/3.11 aiohttp/3.12", "Browser"),
        ("Mozilla/5.0 (Linux) Something/1.0", "Browser"),
        ("<script>Firefox/1</script>", "Browser"),
        ("", "Browser"),
    ],
)
def test_a_browser_is_called_what_people_call_it(user_agent, name):
    assert device_name(user_agent) == name


def test_a_tv_is_told_from_other_browsers():
    assert all(map(is_tv, TVS))
    assert not is_tv(f"Mozilla/5.0 (Linux; Android 10; K) {_WEBKIT} Chrome/140.0.0.0 Mobile Safari/537.36")
    assert not is_tv(
        "Mozilla/5.0 (Linux; Tizen 4.0; SAMSUNG SM-Z400F) SamsungBrowser/1.0 Mobile Safari/537.36"
    )
    assert not is_tv("")
