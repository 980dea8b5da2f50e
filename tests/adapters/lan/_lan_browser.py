"""A separate process that browses the LAN and prints a line of JSON whenever a service comes or goes."""

from __future__ import annotations

import json
import sys
import threading

from zeroconf import ServiceBrowser, ServiceListener, Zeroconf


class Teller(ServiceListener):
    def add_service(self, zc, type_, name):
        info = zc.get_service_info(type_, name)
        if info is None:
            return
        tell(
            what="came",
            name=name,
            port=info.port,
            addresses=info.parsed_addresses(),
            properties={key.decode(): value.decode() for key, value in info.properties.items()},
        )

    def remove_service(self, zc, type_, name):
        tell(what="went", name=name)

    def update_service(self, zc, type_, name):
        pass


_lock = threading.Lock()


def tell(**line):
    with _lock:
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    network = Zeroconf()
    browser = ServiceBrowser(network, sys.argv[1:], Teller())
    tell(what="ready")
    sys.stdin.read()
    browser.cancel()
    network.close()
