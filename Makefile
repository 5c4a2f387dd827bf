# One-liners; `make` alone prints them.
BENCHMARKS = instance_storage vector_writes lesson_replacement pagination event_backlog \
    rate_limits cache_invalidation cache_stampede recognition chunking embeddings \
    content_health daily_metrics table_quality vector_search object_storage \
    upload_detection observability lesson_share media_gate

.DEFAULT_GOAL := help
.PHONY: help demo dev test soak check format bench pictures quizzes requirements clean

help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

demo: ## process the sample lessons and show the results
	@sh bootstrap.sh runtime && .venv/bin/mentora demo

dev: ## the same, and leave Dagster's UI running
	@sh bootstrap.sh runtime && .venv/bin/mentora dev

test: ## everything, on real PostgreSQL, Valkey and Whisper, without a network
	@sh bootstrap.sh test && .venv/bin/python -m pytest -q -n 2 --dist loadgroup

soak: ## kills, bursts and outages, about forty minutes
	@sh bootstrap.sh test && .venv/bin/python -m pytest -q soak

check: ## format, lint, types, import contracts
	@sh bootstrap.sh test && .venv/bin/ruff format --check . && .venv/bin/ruff check . && .venv/bin/mypy && .venv/bin/lint-imports

format: ## put the code into shape
	@sh bootstrap.sh test && .venv/bin/ruff format . && .venv/bin/ruff check --fix .

bench: ## measured comparisons, about half an hour (BENCHMARKS="name …" for some)
	@sh bootstrap.sh test && for name in $(BENCHMARKS); do .venv/bin/python -m benchmarks.$$name || exit 1; done

pictures: ## take the pictures of docs/pictures anew, in headless Chromium
	@sh bootstrap.sh test && .venv/bin/python -m tests.web_ui docs/pictures

quizzes: ## write docs/sample_quizzes.md anew
	@sh bootstrap.sh test && .venv/bin/python -m tests.sample_quizzes docs/sample_quizzes.md

requirements: ## compile the pinned requirements anew (needs a package index)
	@sh requirements/compile.sh

clean: ## remove the environment and the local stack's data
	rm -rf .venv .mentora
