"""Property tests draw the same examples in every run, so that a failure is one of the change under test.

``pytest --hypothesis-profile=fresh`` draws new ones.
"""

from hypothesis import settings

settings.register_profile("steady", derandomize=True, deadline=None)
settings.register_profile("fresh", deadline=None)
settings.load_profile("steady")
