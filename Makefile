# Each target prepares what it needs the first time; see `make help`.
PYTHON ?= $(firstword $(shell for name in python3 python3.13 python3.12 python3.11 python3.14; do command -v $$name; done; true))
TARGETS = run test lint types eval bench lock clean help

.DEFAULT_GOAL := help
.PHONY: $(TARGETS)
$(TARGETS):
	@test -n "$(PYTHON)" || { echo "error: Steward needs Python 3.11 or newer, and there is none here" >&2; exit 1; }
	@exec "$(PYTHON)" -I cli/bootstrap.py $@ "$$ARGS"

export ARGS
