# Each target prepares what it needs the first time; see `make help`.
# PYTHON is the first on the PATH that is new enough (a version manager's stand-in may not start), else python3.
NEW_ENOUGH = import sys; sys.exit(sys.version_info < (3, 11))
ifndef PYTHON
PYTHON := $(shell for name in python3 python3.13 python3.12 python3.11 python3.14; do \
	$$name -c '$(NEW_ENOUGH)' 2>/dev/null && command -v $$name && exit; done; command -v python3; true)
endif
TARGETS = run test lint types eval bench chaos safety demo simulate docs screenshots lock clean help

.DEFAULT_GOAL := help
.PHONY: $(TARGETS)
$(TARGETS):
	@test -n "$(PYTHON)" || { echo "error: Steward needs Python 3.11 or newer, and there is none here" >&2; exit 1; }
	@"$(PYTHON)" -c '$(NEW_ENOUGH)' || { echo "error: Steward needs Python 3.11 or newer; $(PYTHON) is" \
		"$$("$(PYTHON)" -V 2>&1) (PYTHON=/path/to/python names another)" >&2; exit 1; }
	@exec "$(PYTHON)" -I cli/bootstrap.py $@ "$$ARGS"

export ARGS
