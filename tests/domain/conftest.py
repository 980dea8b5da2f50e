from hypothesis import settings

# A busy machine is slow now and then; that is no finding.
settings.register_profile("wylloh", deadline=None)
settings.load_profile("wylloh")
