# The commands people type.
.PHONY: build test format lint deps

deps:
	@dpkg -s libopenblas-dev libssl-dev >/dev/null 2>&1 || (apt-get update -qq && apt-get install -y -qq libopenblas-dev libssl-dev)

build: deps
	swift build -c release

test: deps
	swift test

format:
	swift format -i -r Package.swift Sources Tests

lint:
	swift format lint --strict -r Package.swift Sources Tests
