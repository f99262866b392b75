"""What `pytorch.py` and `growth.py` share: who is measured, how results are kept, and how they are written down."""
