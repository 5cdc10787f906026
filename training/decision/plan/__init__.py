"""From predictions to money: which creatives to launch, test money, today's split, when to stop or scale.

Start with `make_plan.py`. `evidence.py` has the rule for stopping and scaling with its bound on errors, `selection.py`
the choice of launches, `testing.py` what a test costs, `split.py` today's money, `words.py` every sentence.
"""
