"""Handing streams through: packets are copied out of a film into fMP4 in this process, with PyAV."""
