# Sevra Atlas. Every verb delegates to ops/atlas; run `make help`.
# Variables given on the command line (TAG=…, NAME=…) reach the recipes through the environment,
# so that no value is ever interpreted by make or the shell.
.DEFAULT_GOAL := help
.PHONY: help deploy rollback releases status health doctor certs maintenance on off backup backups base restore restore-clean drill recover offsite offsite-key cron logs stop start psql token tokens token-revoke admin seed media-copy image dev check lint test bench env-import console provision
export REMOVE REASON FROM KEY AT POINT LATEST INSPECT TIMELINE TABLES SKIP_SAFETY TAG SERVICE NAME SCOPE DAYS ID EMAIL JSON DRY_RUN RESET WAIT SCHEMA YES PART RENEW VERIFY PUSH PLATFORMS KNOWN_HOSTS REPO ENV_FILE HARDEN LOGIN_STDIN

# HOST=user@vps on make's own command line: the verb runs on that server, over SSH. Some shells export a HOST of their own.
ifeq ($(origin HOST),command line)
export ATLAS_HOST := $(value HOST)
endif

# What deploy and rollback share.
release_options = $${DRY_RUN:+--dry-run} $${WAIT:+--wait "$$WAIT"} $${SCHEMA:+--schema "$$SCHEMA"} $${YES:+--yes}

help: ## show this list; with HOST=user@vps every verb of a server runs on that one, over SSH [KNOWN_HOSTS=file]
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-32s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

deploy: ## bring this server to a release [TAG=v1.2.3] [DRY_RUN=1] [WAIT=seconds]; without TAG this checkout is built
	@ops/atlas deploy $${TAG:+--tag "$$TAG"} $(release_options)

rollback: ## go back to a release [TAG=v1.2.0] [SCHEMA=down|restore] [DRY_RUN=1] [WAIT=seconds]; without TAG the good one before
	@ops/atlas rollback $${TAG:+"$$TAG"} $(release_options)

releases: ## every deploy and rollback: when, who, seconds, result [JSON=1]
	@ops/atlas releases $${JSON:+--json}

status: ## release, containers, health, certificate, disk [JSON=1]
	@ops/atlas status $${JSON:+--json}

health: ## what may go wrong, a line each; sends the alerts that are due; cron runs it every 30 seconds [JSON=1]
	@ops/atlas health $${JSON:+--json}

doctor: ## check everything: pass, fail or unknown, and what to do [JSON=1]
	@ops/atlas doctor $${JSON:+--json}

certs: ## the certificate: names, issuer, days left, next check, last error [RENEW=1] [JSON=1]
	@ops/atlas certs $${RENEW:+--renew} $${JSON:+--json}

maintenance: ## tell everybody to come back, but health checks and the panel: make maintenance on, make maintenance off
	@ops/atlas maintenance $(filter on off,$(MAKECMDGOALS))

on off: # words of `make maintenance`
	@:

backup: ## dump the database, keep the photos, prove both, delete what is old enough [REASON=word] [WAIT=seconds]
	@ops/atlas backup $${REASON:+--reason "$$REASON"} $${WAIT:+--wait "$$WAIT"}

backups: ## every backup and base backup, read whole: time, size, release, how it was verified; to which moments the WAL leads; what is broken, apart [JSON=1]
	@ops/atlas backups $${JSON:+--json}

base: ## take a base backup, from which WAL leads to any second, then delete what is old enough; cron does it every night [WAIT=seconds]
	@ops/atlas base $${WAIT:+--wait "$$WAIT"}

restore: ## bring database and photos back: FROM=id (the newest backup), or to a second: AT="2026-11-23 14:05:00", POINT=deploy-v1.3.0, LATEST=1 [INSPECT=1] [TABLES=salons,photos] [TIMELINE=1] [SKIP_SAFETY=1] [YES=1] [WAIT=seconds]
	@ops/atlas restore $${FROM:+--from "$$FROM"} $${AT:+--at "$$AT"} $${POINT:+--point "$$POINT"} $${LATEST:+--latest} $${INSPECT:+--inspect} $${TIMELINE:+--timeline "$$TIMELINE"} $${TABLES:+--tables "$$TABLES"} $${SKIP_SAFETY:+--skip-safety} $${YES:+--yes} $${WAIT:+--wait "$$WAIT"}

restore-clean: ## drop the databases and clusters from before restores, which they have kept [YES=1] [WAIT=seconds]
	@ops/atlas restore-clean $${YES:+--yes} $${WAIT:+--wait "$$WAIT"}

drill: ## restore the newest backup into a throwaway postgres and compare every table; recover a base backup to an instant and check every page [FROM=id: the first alone] [FROM=s3://bucket/prefix KEY=key.txt: of what the bucket has] [WAIT=seconds]
	@ops/atlas drill $${FROM:+--from "$$FROM"} $${KEY:+--key "$$KEY"} $${WAIT:+--wait "$$WAIT"}

recover: ## the whole site on a fresh machine, from the bucket FROM=s3://bucket/prefix KEY=key.txt [AT=]
	@ops/atlas recover $${FROM:+--from "$$FROM"} $${KEY:+--key "$$KEY"} $${AT:+--at "$$AT"}

offsite: ## send WAL, base backups, dumps, photos and settings to the bucket of BACKUP_S3_*, encrypted; cron does it all the time
	@ops/atlas offsite

offsite-key: ## make a pair of keys for that: print the private one, far from the server
	@ops/atlas offsite-key

cron: ## let this machine's cron run backups, drills and health, and say when [REMOVE=1]
	@ops/atlas cron $${REMOVE:+--remove}

env-import: ## merge KEY=value lines from standard input into .env, all or none; names what changed [WAIT=seconds]
	@ops/atlas env-import $${WAIT:+--wait "$$WAIT"}

logs: ## follow the logs [SERVICE=api]
	@ops/atlas logs $${SERVICE:+"$$SERVICE"}

stop: ## stop every service; data stays
	@ops/atlas stop

start: ## start every service again
	@ops/atlas start

psql: ## a psql session in the database
	@ops/atlas psql

console: psql ## the same as make psql

token: ## make an API token, printed once NAME=mobile-app [SCOPE=read|write] [DAYS=365, 0: never expires]
	@ops/atlas token $${NAME:+"$$NAME"} $${SCOPE:+--scope "$$SCOPE"} $${DAYS:+--days "$$DAYS"}

tokens: ## every API token: id, state, scope, last used, expiry [JSON=1]
	@ops/atlas tokens $${JSON:+--json}

token-revoke: ## revoke an API token, at once ID=3 (or its name)
	@ops/atlas token-revoke $${ID:+"$$ID"}

admin: ## make an administrator, password printed once EMAIL=you@example.org [RESET=1]
	@ops/atlas admin $${EMAIL:+"$$EMAIL"} $${RESET:+--reset}

seed: ## add 30 example salons with pictures, so that the directory is not empty [YES=1: beside salons of your own]
	@ops/atlas seed $${YES:+--yes}

media-copy: ## copy photos from uploads/ to the bucket of MEDIA_S3_*, each read back; again any time [DRY_RUN=1] [VERIFY=1]
	@ops/atlas media-copy $${DRY_RUN:+--dry-run} $${VERIFY:+--verify}

image: ## build the service's image from this checkout [TAG=v1.2.3]; PUSH=1: to the registry [PLATFORMS=linux/amd64,linux/arm64]
	@ops/atlas image $${TAG:+--tag "$$TAG"} $${PUSH:+--push} $${PLATFORMS:+--platforms "$$PLATFORMS"}

# From here to there by itself, and not by a verb that is there already.
provision: ## bring a bare Debian or Ubuntu VPS to its first release, over SSH HOST=user@vps [TAG=v1.2.3] [ENV_FILE=vps.env] [KEY=ci-key.pub] [HARDEN=1] [REPO=url] [LOGIN_STDIN=1] [DRY_RUN=1]
	@env -u ATLAS_HOST ops/atlas provision $${ATLAS_HOST:+--host "$$ATLAS_HOST"} $${KNOWN_HOSTS:+--known-hosts "$$KNOWN_HOSTS"} $${TAG:+--tag "$$TAG"} $${ENV_FILE:+--env-file "$$ENV_FILE"} $${KEY:+--key "$$KEY"} $${HARDEN:+--harden} $${REPO:+--repo "$$REPO"} $${LOGIN_STDIN:+--login-stdin} $${DRY_RUN:+--dry-run}

dev: ## api and worker from source with reload, against the data containers
	@ops/atlas dev

lint: ## format, lint, types, shellcheck, compose files
	@ops/check.sh --lint

check: ## make lint and the unit tests: fast, needs no container engine
	@ops/check.sh

test: ## every test: unit, service, end to end; does its own set-up
	@ops/test.sh

bench: ## measure, never part of the tests [PART=service|stack|edge|releases|backups|wal|recovery|vps]
	@ops/bench.sh $${PART:+"$$PART"}
