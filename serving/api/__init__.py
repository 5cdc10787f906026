"""The wire: what goes in is the body of a request, what comes out is a checked request or a refusal.

`requests.py` declares what may be sent and `responses.py` what is answered; open these first. `validation.py` finds
every problem of a body at once, `errors.py` is the shape in which problems are answered.
"""
