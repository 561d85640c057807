"""A proof: what an advertiser gets of a campaign, as one document that needs nothing else.

`evidence` gathers what is known, `figures` are the reports' own, `finality` tells whether they can
still change, `language` and `words` say it, `page` draws it.
"""
