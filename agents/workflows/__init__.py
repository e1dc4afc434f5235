"""What each kind of task needs: guidance for a model in `<kind>.md`, and the rules that answer without one."""
