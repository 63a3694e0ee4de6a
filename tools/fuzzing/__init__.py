"""The cases of ``tools/fuzz.py``: what is asked, how, and what no answer may be."""
