"""Tools: what a task can have done besides thinking. One file per group; `built_in.py` lists them."""
