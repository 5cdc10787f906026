"""The strategist's report: what works at which step of the funnel, how sure that is, and what to shoot next."""
