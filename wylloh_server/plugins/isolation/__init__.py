"""Plugins in a process of their own: one that crashes, hangs or eats memory does so there.

`remote_plugin` loads and starts such a plugin from the server's side, `worker` runs it on the other side of a
socket pair. `wire` says what may travel over it.
"""
