"""Playing films: leases, plans, playlists, and having segments made.

```
planner = Planner(sources=…, door=…, prober=…, encoder=…)
tools = Tools(sources, door, encoder, store, cipher)
playback = Playback(planner=planner, workshop=Workshop(tools), texts=Texts(tools), leases=Leases(clock), …)
async with playback.running(): …
```
"""

from __future__ import annotations

from wylloh_server.services.playback.leases import Leases
from wylloh_server.services.playback.planner import Planner
from wylloh_server.services.playback.run import Tools
from wylloh_server.services.playback.service import Decider, Playback
from wylloh_server.services.playback.texts import Texts
from wylloh_server.services.playback.workshop import Workshop

__all__ = ["Decider", "Leases", "Planner", "Playback", "Texts", "Tools", "Workshop"]
