# Sevra Atlas. Every verb delegates to ops/atlas; run `make help`.
# Variables given on the command line (TAG=…, NAME=…) reach the recipes through the environment,
# so that no value is ever interpreted by make or the shell.
.DEFAULT_GOAL := help
.PHONY: help deploy rollback releases status logs stop start psql token admin image dev check test bench
export TAG SERVICE NAME EMAIL JSON DRY_RUN RESET WAIT SCHEMA YES PART

# What deploy and rollback share.
release_options = $${DRY_RUN:+--dry-run} $${WAIT:+--wait "$$WAIT"} $${SCHEMA:+--schema "$$SCHEMA"} $${YES:+--yes}

help: ## show this list
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-32s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

deploy: ## bring this server to a release [TAG=v1.2.3] [DRY_RUN=1] [WAIT=seconds]; without TAG this checkout is built
	@ops/atlas deploy $${TAG:+--tag "$$TAG"} $(release_options)

rollback: ## go back to a release [TAG=v1.2.0] [SCHEMA=down|restore] [DRY_RUN=1] [WAIT=seconds]; without TAG the good one before
	@ops/atlas rollback $${TAG:+"$$TAG"} $(release_options)

releases: ## every deploy and rollback: when, who, seconds, result [JSON=1]
	@ops/atlas releases $${JSON:+--json}

status: ## release, containers, health, certificate, disk [JSON=1]
	@ops/atlas status $${JSON:+--json}

logs: ## follow the logs [SERVICE=api]
	@ops/atlas logs $${SERVICE:+"$$SERVICE"}

stop: ## stop every service; data stays
	@ops/atlas stop

start: ## start every service again
	@ops/atlas start

psql: ## a psql session in the database
	@ops/atlas psql

token: ## make an API token, printed once NAME=mobile-app
	@ops/atlas token $${NAME:+"$$NAME"}

admin: ## make an administrator, password printed once EMAIL=you@example.org [RESET=1]
	@ops/atlas admin $${EMAIL:+"$$EMAIL"} $${RESET:+--reset}

image: ## build the service's image from this checkout [TAG=v1.2.3]
	@ops/atlas image $${TAG:+--tag "$$TAG"}

dev: ## api and worker from source with reload, against the data containers
	@ops/atlas dev

check: ## format, lint, types, unit tests, shellcheck, compose files: fast, needs no container engine
	@ops/check.sh

test: ## every test: unit, service, end to end; does its own set-up
	@ops/test.sh

bench: ## measure, never part of the tests [PART=stack|releases]
	@ops/bench.sh $${PART:+"$$PART"}
