"""Level 0, the funnel model: snapshots with their counts in, prior and posterior log rate of every stage out.

`posterior.posteriors_of` is what the feature matrix calls; the funnel model (`fit`, `model`) and empirical Bayes
(`fit_priors`, `empirical_bayes`) are the two priors it combines with own counts. Open `posterior.py` first.
"""
